/** One build from its source to its release. Who calls takes its guest away, whatever happened. */
import { createHash } from 'node:crypto'
import { appFolder, appUser, type ResolvedConfig } from '../../api/app.ts'
import { CroftError, toCroftError } from '../../api/errors.ts'
import type { BuildStep } from '../../api/site.ts'
import { freeVersion, versionOf, withoutArtifacts } from '../../plan/build.ts'
import { type Daemon, getFarm } from '../daemon.ts'
import type { BuildRecord, ReleaseFacts } from '../records/app-records.ts'
import { keys } from '../records/keys.ts'
import { commitTemplate } from '../records/new-template.ts'
import { type Held, readAll, type TemplateRecord } from '../records/records.ts'
import { ensureBase, firstBase, whenReady } from './build-base.ts'
import { cacheVolume, makeRoom } from './build-cache.ts'
import { checkBuild, checkSite } from './build-check.ts'
import {
  type BuildGuest,
  callerOf,
  ended,
  firstLimits,
  type GuestWork,
  makeBuildGuest,
  type RunOptions,
  removeBuildGuest,
} from './build-guest.ts'
import { type BuildLog, openBuildLog } from './build-log.ts'
import { putSecrets } from './build-secrets.ts'
import { type Checkout, describeSource, readCheckout, type Source, takeSource, textOf, unpack } from './build-source.ts'
import { change } from './builds.ts'

export interface WalkOptions {
  readonly record: BuildRecord
  readonly folder: string
  readonly signal: AbortSignal
}

type Done = Pick<BuildRecord, 'release' | 'already'>
type Build = ResolvedConfig['build']

interface Walk extends GuestWork {
  readonly log: BuildLog
  readonly note: (line: string) => void
  readonly begunAt: number
  limitTo(timeoutSeconds: number): void
}

const usualSeconds = 1800

export async function walkBuild(daemon: Daemon, options: WalkOptions): Promise<Done> {
  const { record, folder } = options
  const { uploads } = getFarm(daemon).parts
  const before = await releaseOf(daemon, record, options.signal)
  if (before) return before
  await removeBuildGuest(daemon, record)
  if (record.source.kind === 'upload' && !uploads.find(record.source.upload)) throw interrupted()
  await using log = await openBuildLog(folder, record.id)
  const walk = beginWalk(daemon, options, log)
  const held: string[] = []
  try {
    return await toRelease(walk, held)
  } catch (thrown) {
    const error = toCroftError(thrown)
    for (const line of error.message.split('\n')) log.write(line)
    throw error
  } finally {
    for (const upload of held) await uploads.remove(upload)
  }
}

const interrupted = (): CroftError =>
  new CroftError('FAILED', 'the daemon ended while it was built, and what was sent is gone with it', {
    hint: 'say it again',
  })

function beginWalk(daemon: Daemon, { record, signal }: WalkOptions, log: BuildLog): Walk {
  const begunAt = daemon.env.monotonicMs()
  let seconds = usualSeconds
  const goal = { kind: 'build', id: record.id } as const
  return {
    ...{ daemon, record, signal, log, begunAt },
    until: () => begunAt + seconds * 1000,
    limitTo(timeoutSeconds) {
      seconds = timeoutSeconds
    },
    note(line) {
      log.write(line)
      daemon.operations.note(goal, line)
    },
  }
}

/** A daemon before this one had come so far that its template is made, or will be. */
async function releaseOf(daemon: Daemon, { app, id }: BuildRecord, signal: AbortSignal): Promise<Done | undefined> {
  const own = (await releasesOf(daemon, app)).find(({ value }) => value.release?.build === id)
  const made = own && (await whenReady(daemon, own.value.ref, signal))
  return made && { release: made.value.ref }
}

const releasesOf = async (daemon: Daemon, app: string): Promise<Held<TemplateRecord>[]> =>
  (await readAll<TemplateRecord>(daemon.store, keys.template(`${app}:`))).filter(({ value }) => value.release)

async function toRelease(walk: Walk, held: string[]): Promise<Done> {
  const { record, daemon } = walk
  const { failpoint } = getFarm(daemon).parts
  failpoint('buildSource.before')
  await step(walk, 'source', `takes in ${describeSource(record.source)}`)
  const source = await takeSource(walk)
  held.push(source.upload)
  const first = await ensureBase(walk, firstBase, [])
  const cache = await cacheVolume(daemon, record)
  let guest = await makeBuildGuest(walk, first, { ...firstLimits, cache })
  await unpack(walk, guest, source.upload)
  const checkout = await readCheckout(walk, guest)
  const { build, platform, warnings } = await checkBuild(daemon, { app: record.app, ...checkout })
  for (const warning of warnings) walk.note(`▲ ${warning}`)
  await checkSite(daemon, record, { ...checkout, platform })
  walk.limitTo(build.timeoutSeconds)
  failpoint('buildSource.after')

  await step(
    walk,
    'base',
    `${platform} on ${build.base}${build.packages.length > 0 ? ` with ${build.packages.join(', ')}` : ''}`,
  )
  const base = await ensureBase(walk, build.base, build.packages)
  const hash = hashOf([base.value.id, build, platform, checkout.tree])
  const decided = decideVersion(walk, await releasesOf(daemon, record.app), { source, checkout, hash })
  await change(daemon.store, record.id, (now) => ({ ...now, ...known(decided.version, source) }))
  if (decided.already !== undefined) {
    walk.note(`${decided.already} is already that`)
    return { release: decided.already, already: true }
  }
  if (base.value.id !== first.value.id || limitsDiffer(build)) {
    await removeBuildGuest(daemon, record)
    guest = await makeBuildGuest(walk, base, { ...build, cache })
    await unpack(walk, guest, source.upload)
  }

  failpoint('buildCommands.before')
  await step(walk, 'build', `builds ${record.app}:${decided.version}`)
  await runCommands(walk, guest, build)
  await keepArtifacts(guest, build.artifacts)
  failpoint('buildCommands.after')
  await guest.stop()

  await step(walk, 'publish', `makes ${record.app}:${decided.version}`)
  const facts = factsOf(walk, { checkout, platform, source, hash, version: decided.version, base: base.value.ref })
  failpoint('buildPublish.before')
  const release = await publish(walk, guest, facts)
  failpoint('buildPublish.after')
  return { release }
}

const limitsDiffer = (build: Build): boolean =>
  (['memoryBytes', 'cpus', 'diskBytes'] as const).some((key) => build[key] !== firstLimits[key])

async function step(walk: Walk, name: BuildStep, line: string): Promise<void> {
  const { daemon, record } = walk
  await change(daemon.store, record.id, (now) => ({ ...now, step: name }))
  walk.note(line)
}

const known = (version: string, { commit }: Source): Partial<BuildRecord> => ({
  version,
  ...(commit === undefined ? {} : { commit }),
})

const hashOf = (inputs: unknown): string => createHash('sha256').update(JSON.stringify(inputs)).digest('hex')

interface Inputs {
  readonly source: Source
  readonly checkout: Checkout
  readonly hash: string
}

function decideVersion(
  { record }: Walk,
  releases: readonly Held<TemplateRecord>[],
  { source, checkout, hash }: Inputs,
): { readonly version: string; readonly already?: string } {
  const { app, asked } = record
  const same = releases.map(({ value }) => value).find((each) => each.release?.hash === hash && !each.deleting)
  const taken = new Set(releases.map(({ value }) => value.release?.version ?? ''))
  const sameVersion = same?.release?.version
  if (same && sameVersion !== undefined && (asked === undefined || asked === sameVersion))
    return { version: sameVersion, already: same.ref }
  if (asked !== undefined && taken.has(asked))
    throw new CroftError('EXISTS', `there is a release ${app}:${asked}, built from something else`, {
      hint: `croft release show ${app}:${asked}, or another --as`,
    })
  const { upload: _, ...named } = source
  const wanted = versionOf({ tree: checkout.tree, ...named })
  return { version: asked ?? freeVersion(wanted, taken) }
}

async function runCommands(walk: Walk, guest: BuildGuest, { commands, env, secrets: names }: Build): Promise<void> {
  await makeRoom(guest)
  const secrets = await putSecrets(walk, guest, { secrets: names, env })
  const onLine = (line: string) => walk.note(secrets.hide(line))
  for (const command of commands) {
    walk.note(`$ ${command}`)
    const options: RunOptions = { env: { CI: 'true' }, onLine, as: `"${command}"` }
    await guest.run(secrets.around(['sh', '-e', '-c', command]), options).catch((thrown) => {
      const { code, message } = toCroftError(thrown)
      throw new CroftError(code, secrets.hide(message))
    })
  }
  await secrets.takeAway()
}

/** Nothing runs on of what was begun, and of what was written only the checkout stays. */
async function keepArtifacts(guest: BuildGuest, artifacts: readonly string[]): Promise<void> {
  await guest.run(['sh', '-c', 'kill -KILL -1; :']).catch(() => '')
  const words = withoutArtifacts(artifacts)
  if (words) await guest.run(['find', ...words], { as: 'keeping build.artifacts alone' })
  await guest.runAsRoot(['sh', '-c', cleaning, 'sh', appUser.name, appFolder])
  const found = await textOf(guest, ['find', '.', '-mindepth', '1', '!', '-type', 'd', '-printf', 'x', '-quit'], 1024)
  if (found !== '') return
  throw new CroftError('BUILD_FAILED', 'the build left no file behind', {
    hint: 'look at build.commands and build.artifacts in croft.toml',
  })
}

/** Of that user's all but the checkout; with the guest's own root, whose find follows no link. */
const cleaning = `find / -xdev -depth -user "$1" ! -path "$2" ! -path "$2/*" -delete 2>/dev/null; :`

function factsOf(
  { daemon, record, begunAt }: Walk,
  about: Inputs & Pick<ReleaseFacts, 'platform' | 'version' | 'base'>,
): ReleaseFacts {
  const { source, checkout, hash, platform, version, base } = about
  return {
    ...{ app: record.app, version, platform, hash, config: checkout.config },
    ...{ commit: source.commit ?? null, source: describeSource(record.source), by: record.by, build: record.id },
    ...(base === undefined ? {} : { base }),
    buildSeconds: Math.round((daemon.env.monotonicMs() - begunAt) / 100) / 10,
  }
}

async function publish(walk: Walk, guest: BuildGuest, release: ReleaseFacts): Promise<string> {
  const { daemon, record, signal } = walk
  const ref = `${record.app}:${release.version}`
  const from = { kind: 'root', number: guest.number, id: guest.rootId } as const
  const operation = await commitTemplate(
    daemon,
    callerOf(record),
    {},
    {
      ...{ ref, verb: 'publish', release },
      source: { from: `build ${record.id}`, packages: [] },
      making: { kind: 'publish', from },
    },
  )
  await ended(daemon, operation, signal)
  if (await whenReady(daemon, ref, signal)) return ref
  throw new CroftError('BUILD_FAILED', `${ref} could not be kept`, { hint: `croft build logs ${record.id}` })
}
