/** How a site is given another version, configuration or number of instances: a record, which the loop of rollouts walks. */
import type { ResolvedConfig } from '../../api/app.ts'
import { CroftError } from '../../api/errors.ts'
import type { PlannedStep } from '../../api/resources.ts'
import { leavingOf, type SlotWish } from '../../plan/deploy.ts'
import type { Compare, Write } from '../../store/store.ts'
import type { Daemon } from '../daemon.ts'
import { timestamp } from '../env.ts'
import type { Caller } from '../http/access.ts'
import type { Member, MembersRecord, RolloutRecord, SiteConfigRecord, SiteRecord } from './app-records.ts'
import type { Change } from './change.ts'
import { differences } from './edge-settings.ts'
import { readFarmGuests } from './farm-guests.ts'
import { keys } from './keys.ts'
import { backWarnings, configHistory, putBackOf, readRan } from './ran.ts'
import { type Held, read, readAll, schemaVersion, type TemplateRecord } from './records.ts'
import { briefly, hashOf, type Made, saidWith, slotsOf } from './rollout-slots.ts'
import { rolloutWaves } from './rollout-waves.ts'
import type { ToBe } from './site-config.ts'
import { checkSiteRoutes } from './site-routes.ts'
import { getSiteToChange } from './sites.ts'
import { getReadyTemplate } from './templates.ts'

/** What is asked for, beside what is known of the site. */
export interface Asked {
  readonly site: string
  /** `v1.2`; absent: what it runs. */
  readonly version?: string | undefined
  readonly instances?: number | undefined
  readonly size?: string | undefined
  readonly domains?: readonly string[] | undefined
  readonly waves?: string | undefined
  /** Seconds. */
  readonly hold?: number | undefined
  /** New instances, whatever is the same. */
  readonly anew?: boolean | undefined
  /** To what ran before: with what was set then, or its code alone. */
  readonly back?: 'all' | 'code' | undefined
  /** Of a site that is made only when this can be done. */
  readonly fresh?: Held<SiteRecord> | undefined
  /** Instead of a version: what a build would make. Nothing of what is decided can be written then. */
  readonly toBe?: ToBe | undefined
  /** It will be its turn: nothing of what is decided now is written. */
  readonly later?: true | undefined
  readonly verb: string
}

export interface Decided {
  readonly change: Change
  /** Undefined: it is as it is asked for. */
  readonly rollout: RolloutRecord | undefined
  readonly steps: readonly PlannedStep[]
  readonly warnings: readonly string[]
}

/** Reads what there is; asked again when that changed meanwhile. `ids` are made once. */
export async function decideRollout(
  daemon: Daemon,
  caller: Caller,
  asked: Asked,
  ids: { readonly id: string; readonly anew: string },
): Promise<Decided> {
  const { store } = daemon
  const site = asked.fresh ?? (await getSiteToChange(daemon, asked.site))
  if (site.value.run === 'stopped')
    throw new CroftError('REFUSED', `site "${asked.site}" is stopped`, { hint: `croft site start ${asked.site}` })
  const [config, members, last] = await Promise.all([
    read<SiteConfigRecord>(store, keys.siteConfig(asked.site)),
    read<MembersRecord>(store, keys.membersOf(asked.site)),
    read<RolloutRecord>(store, keys.rollout(asked.site)),
  ])
  if (!asked.toBe && !asked.later) assertFree(last?.value)
  const template = await madeOf(daemon, site.value, asked)
  const ran = asked.back === 'all' ? await readRan(daemon, asked.site, template.ref) : undefined
  const said = saidWith(daemon, caller, config?.value, asked, ran?.values)
  const about = { site: asked.site, template, said, isFresh: asked.fresh !== undefined }
  const { slots, first } = await slotsOf(daemon, { ...about, anew: asked.anew ? ids.anew : '' })
  const names = await checkSiteRoutes(daemon, site.value, first)
  const there = members?.value.members ?? []
  const old = leavingOf(await onHosts(store, there, slots), slots)
  const hashes = slots.map(({ hash, hosts }) =>
    hosts ? [hash, Object.entries(hosts).map(([host, own]) => [host, own.hash])] : hash,
  )
  const hash = hashOf({ slots: hashes, count: slots.length, route: first.route })
  const compare: Compare[] = [
    { key: site.key, revision: site.revision },
    ...template.compare,
    ...names.compare,
    { key: keys.siteConfig(asked.site), revision: config?.revision ?? 0 },
    { key: keys.membersOf(asked.site), revision: members?.revision ?? 0 },
    { key: keys.rollout(asked.site), revision: last?.revision ?? 0 },
  ]
  const kept = there.length - old.length
  const isSame = old.length === 0 && kept === slots.length && members?.value.serves?.hash === hash
  const also = configHistory(asked, config?.value.values ?? {}, said.record?.values ?? {})
  const rollout: RolloutRecord = {
    schema: schemaVersion,
    ...{ id: ids.id, site: asked.site, from: site.value.release, to: template.ref, by: caller.name },
    ...{
      created: timestamp(daemon.env),
      since: timestamp(daemon.env),
      config: first,
      slots: briefly(slots, first),
      hash,
    },
    ...(said.record ? { set: said.record.values } : { set: {} }),
    ...(asked.back ? { back: true as const, ...putBackOf(also) } : {}),
    ...(isScale(asked) && there.length !== slots.length ? { countBefore: there.length } : {}),
    ...(asked.waves === undefined ? {} : await rolloutWaves(store, asked.waves, slots, { there, old })),
    ...(asked.hold === undefined ? {} : { holdSeconds: asked.hold }),
    ...{ state: 'running', step: 'start', old, new: [] },
  }
  const writes: Write[] = [
    ...(said.record === config?.value || !said.record
      ? []
      : [{ put: keys.siteConfig(asked.site), value: said.record }]),
    ...(isSame ? [] : [{ put: keys.rollout(asked.site), value: rollout }, ...names.writes]),
  ]
  const told = { ran, changed: also }
  const warnings = asked.back === 'all' ? await backWarnings(daemon, { ...asked, ref: template.ref }, told) : []
  const steps = stepsOf(asked.site, { rollout, count: slots.length, kept, before: members?.value.serves?.config })
  return {
    rollout: isSame ? undefined : rollout,
    steps: isSame ? [] : steps,
    warnings,
    change: {
      ...{ kind: 'site', name: asked.site, verb: asked.verb },
      before: { release: site.value.release },
      after: { release: template.ref, instances: slots.length },
      ...{ compare, writes, also },
      ...(isSame ? {} : { goal: { kind: 'rollout', id: ids.id } as const }),
    },
  }
}

/** Which host each is on: asked where hosts say something of their own, or have said. */
async function onHosts(store: Daemon['store'], there: readonly Member[], slots: readonly SlotWish[]) {
  if (!slots.some(({ hosts }) => hosts)) return there
  const hosts = new Map((await readFarmGuests(store)).map(({ value }) => [value.number, value.host]))
  return there.map((member) => ({ ...member, host: hosts.get(member.number) }))
}

const isScale = ({ version, instances, size }: Asked): boolean =>
  version === undefined && instances !== undefined && size === undefined

/** Two never mix: the second waits, or is refused. */
function assertFree(last: RolloutRecord | undefined): void {
  if (last?.state !== 'running') return
  throw new CroftError(
    'BUSY',
    `${last.site} is being deployed by ${last.by} since ${last.created}: ${last.to}, ${last.step}`,
    {
      hint: `croft site show ${last.site}`,
    },
  )
}

async function madeOf(daemon: Daemon, site: SiteRecord, { toBe, version }: Asked): Promise<Made> {
  if (toBe) return { ref: toBe.ref, id: '', from: toBe, compare: [] }
  const { key, revision, value } = await getRelease(daemon, site, version)
  return { ref: value.ref, id: value.id, from: value.ref, compare: [{ key, revision }] }
}

/** A release of this app that instances can be made from now. */
export async function getRelease(
  daemon: Daemon,
  { app, stage, release }: Pick<SiteRecord, 'app' | 'stage' | 'release'>,
  version: string | undefined,
): Promise<Held<TemplateRecord>> {
  const ref = version === undefined ? release : version.includes(':') ? version : `${app}:${version}`
  if (ref === null)
    throw new CroftError('USAGE', `${app}/${stage} runs nothing yet: say which version`, {
      hint: `croft release ls ${app}`,
    })
  const found = await getReadyTemplate(daemon, ref).catch((thrown) => {
    if (thrown instanceof CroftError && thrown.code === 'TEMPLATE_NOT_FOUND')
      throw new CroftError('NOT_FOUND', `no release "${ref}"`, { hint: `croft release ls ${app}` })
    throw thrown
  })
  if (found.value.release?.app === app) return found
  throw new CroftError('REFUSED', `"${ref}" is no release of ${app}`, { hint: `croft release ls ${app}` })
}

/** Nothing is started or stopped beside a rollout. */
export async function decideRun(
  daemon: Daemon,
  { site, run, verb }: { readonly site: string; readonly run: SiteRecord['run']; readonly verb: string },
): Promise<Change> {
  const { key, revision, value } = await getSiteToChange(daemon, site)
  const last = await read<RolloutRecord>(daemon.store, keys.rollout(site))
  assertFree(last?.value)
  const isSame = value.run === run
  const next: SiteRecord = { ...value, run, generation: value.generation + 1 }
  return {
    ...{ kind: 'site', name: site, verb, before: { run: value.run }, after: { run } },
    compare: [
      { key, revision },
      { key: keys.rollout(site), revision: last?.revision ?? 0 },
    ],
    writes: isSame ? [] : [{ put: key, value: next }],
    ...(isSame ? {} : { goal: runGoal(site) }),
  }
}

/** Of the operation that a start or a stop of a site is. */
export const runGoal = (site: string) => ({ kind: 'rollout', id: `run ${site}` }) as const

/** Until the old instances are taken away, there is a way back. */
export async function cancelRollout(daemon: Daemon, id: string): Promise<void> {
  const records = await readAll<RolloutRecord>(daemon.store, keys.rollouts)
  const waits = records.find(({ value }) => value.next?.id === id)
  if (waits) return (await import('./queued.ts')).dropQueued(daemon, waits, cancelledError())
  const found = records.find(({ value }) => value.id === id && value.state === 'running')
  if (!found || found.value.step === 'retire')
    throw new CroftError('REFUSED', 'it cannot be cancelled any more: the new instances serve', {
      hint: 'croft site ls',
    })
  const { key, revision, value } = found
  if (!value.cancel) await daemon.store.transact([{ key, revision }], [{ put: key, value: { ...value, cancel: true } }])
}

interface Difference {
  readonly rollout: RolloutRecord
  readonly count: number
  readonly kept: number
  readonly before: ResolvedConfig | undefined
}

function stepsOf(site: string, { rollout, count, kept, before }: Difference): PlannedStep[] {
  const { from, to, old, config, holdSeconds } = rollout
  const made = count - kept
  const step = (name: string, detail: string): PlannedStep => ({ what: site, step: name, detail })
  return [
    ...(from === to ? [] : [step('release', `${from ?? 'none'} → ${to}`)]),
    ...differences(site, flat(before), flat(config)),
    ...(made === 0 ? [] : [step('start', `${made} new ${made === 1 ? 'instance' : 'instances'}${wavesText(rollout)}`)]),
    ...(made > 0 && config.before ? [step('before', config.before.command)] : []),
    ...(made === 0
      ? []
      : [
          step(
            'gate',
            `wait until all are healthy${holdSeconds === undefined ? '' : `, and ${holdSeconds} s more after each wave`}`,
          ),
        ]),
    ...(old.length === 0 ? [] : [step('retire', old.join(', '))]),
  ]
}

function wavesText({ waves = [], order }: RolloutRecord): string {
  const hosts = [...new Set(order?.map(({ host }) => host ?? 'then the others'))]
  if (order) return `, host by host: ${hosts.join(', ')}`
  return waves.length > 0 ? ` in waves of ${waves.join(', ')}` : ''
}

/** By path; what a build is made with is of the release. */
function flat(config: ResolvedConfig | undefined): Record<string, unknown> {
  if (!config) return {}
  const { build: _, ...rest } = config
  const found: Record<string, unknown> = {}
  const walk = (path: string, value: unknown): void => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) found[path] = value
    else for (const [key, inner] of Object.entries(value)) walk(path === '' ? key : `${path}.${key}`, inner)
  }
  walk('', rest)
  return found
}

const cancelledError = (): CroftError => new CroftError('CANCELLED', 'it was cancelled before its turn')
