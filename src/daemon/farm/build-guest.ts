/** The throw-away guest of a build, and what is said to it. */
import { appFolder, appUser } from '../../api/app.ts'
import { CroftError } from '../../api/errors.ts'
import type { Operation } from '../../api/resources.ts'
import { type BuildLimits, cacheFolder, limitsOf, rulesOf } from '../../plan/build.ts'
import { resolveBuild } from '../../plan/config/resolve.ts'
import { type Daemon, getFarm } from '../daemon.ts'
import type { InsideOptions } from '../host/inside.ts'
import type { Caller } from '../http/access.ts'
import { ownAddresses } from '../http/outside.ts'
import { errorOf } from '../operations/operations.ts'
import type { BuildRecord } from '../records/app-records.ts'
import { changeSpec } from '../records/guest-spec.ts'
import { emptySpec, type GuestPlan } from '../records/new-guest.ts'
import { createPart, removePart } from '../records/parts.ts'
import type { GuestRecord, Held, TemplateRecord } from '../records/records.ts'
import { initOf } from '../records/templates.ts'

export interface BuildGuest {
  readonly number: number
  readonly rootId: string
  /** As the user that builds, in the checkout; anything but exit 0 throws with the last lines. Returns what it printed. */
  run(words: readonly string[], options?: RunOptions): Promise<string>
  runAsRoot(words: readonly string[]): Promise<string>
  stop(): Promise<void>
}

export interface RunOptions extends Pick<InsideOptions, 'env' | 'stdin' | 'onLine' | 'onBytes' | 'maxBytes'> {
  /** What the failure is called, instead of the words. */
  readonly as?: string
}

export interface GuestWork {
  readonly daemon: Daemon
  readonly record: BuildRecord
  readonly signal: AbortSignal
  /** Of the monotonic clock. */
  readonly until: () => number
}

export const firstLimits = resolveBuild([], 'first').build
export const callerOf = ({ by }: Pick<BuildRecord, 'by'>): Caller => ({ name: by, role: 'operator' })
const nameOf = ({ app, id }: BuildRecord): string => `${app}/build/${id}`

export async function makeBuildGuest(
  work: GuestWork,
  base: Held<TemplateRecord>,
  how: BuildLimits & { readonly cache?: string },
): Promise<BuildGuest> {
  const { daemon, record, signal } = work
  const { parts } = getFarm(daemon)
  const { ref, id } = base.value
  const init = await initOf(daemon, id)
  const plan = async (): Promise<GuestPlan> => ({
    ...{ name: nameOf(record), verb: 'create' },
    spec: {
      ...emptySpec,
      ...(init === undefined ? {} : { init }),
      ...{ template: ref, limits: limitsOf(how), autostart: false },
      ...(how.cache === undefined ? {} : { volumes: [{ id: how.cache, target: cacheFolder }] }),
      rules: rulesOf(parts.farm, [...ownAddresses(), ...(parts.farm.edge?.addresses ?? [])]),
      part: { kind: 'build', id: record.id },
    },
    from: { kind: 'template', id, ref },
    compare: [{ key: base.key, revision: base.revision }],
  })
  const made = await createPart(daemon, callerOf(record), plan)
  await ended(daemon, made.operation, signal)
  const guest = guestOf(work, made.record)
  await guest.runAsRoot(['sh', '-c', prepare, 'sh', appUser.name, String(appUser.id), appFolder, cacheFolder])
  return guest
}

/** Whoever made it; when it is gone this returns. */
export async function removeBuildGuest(daemon: Daemon, record: BuildRecord): Promise<void> {
  const operation = await removePart(daemon, callerOf(record), nameOf(record))
  await ended(daemon, operation, new AbortController().signal)
}

export async function ended(daemon: Daemon, operation: Operation | null, signal: AbortSignal): Promise<void> {
  while (operation) {
    signal.throwIfAborted()
    const now = await daemon.operations.wait(operation.id, 1000)
    const error = errorOf(now)
    if (error) throw error
    if (now.state === 'running') continue
    if (now.state === 'done') return
    throw new CroftError('FAILED', `${now.verb} ${now.target.name}: ${now.state}`)
  }
}

function guestOf(work: GuestWork, { number, name, spec }: GuestRecord): BuildGuest {
  const { daemon, record, signal } = work
  const run = async (words: readonly string[], options: RunOptions & Pick<InsideOptions, 'user' | 'folder'>) => {
    const { as, env, ...rest } = options
    const timeoutMs = Math.max(1000, work.until() - daemon.env.monotonicMs())
    const home = options.user ? { HOME: cacheFolder, USER: appUser.name, LOGNAME: appUser.name } : {}
    const { inside } = getFarm(daemon).parts
    const { code, lines } = await inside.run(number, words, { ...rest, env: { ...home, ...env }, signal, timeoutMs })
    if (code !== 0) throw failed(as ?? words[0] ?? '', code, lines)
    return lines.join('\n')
  }
  return {
    ...{ number, rootId: spec.root.id },
    run: (words, options = {}) =>
      run(words, { ...options, user: { uid: appUser.id, gid: appUser.id }, folder: appFolder }),
    runAsRoot: (words) => run(words, {}),
    async stop() {
      const how = { name, verb: 'stop', query: {}, caller: callerOf(record), ofLoop: true } as const
      const { operation } = await changeSpec(daemon, how, (now) => ({ ...now, run: 'stopped', stop: 'kill' }))
      await ended(daemon, operation, signal)
    },
  }
}

const told = 20

function failed(what: string, code: number, lines: readonly string[]): CroftError {
  const why = code === 137 ? 'was killed: out of memory?' : `ended with ${code}`
  return new CroftError('BUILD_FAILED', [`${what.slice(0, 200)} ${why}`, ...lines.slice(-told)].join('\n'))
}

/** Runs as the guest's root before anything of the application is there. Words: user, id, checkout, cache. */
const prepare = `set -eu
if ! id "$1" >/dev/null 2>&1; then
  if command -v useradd >/dev/null; then
    groupadd --system --gid "$2" "$1"
    useradd --system --uid "$2" --gid "$2" --home-dir "$3" --no-create-home --shell /usr/sbin/nologin "$1"
  else
    addgroup -S -g "$2" "$1"
    adduser -S -D -H -u "$2" -G "$1" -h "$3" -s /sbin/nologin "$1"
  fi
fi
[ "$(id -u "$1")" = "$2" ] || { echo "the base has a user $1 with another id than $2" >&2; exit 1; }
mkdir -p "$3" "$4"
chown "$2:$2" "$3" "$4"
chmod 755 "$3"
chmod 700 "$4"
`
