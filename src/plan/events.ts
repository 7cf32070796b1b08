/**
 * What happened, told from what changed in the records: pure, from before and after. Wishes tell that something was
 * asked for, statuses what came of it; a change that means nothing to anybody tells nothing.
 */
import type { EventKind, FarmEvent } from '../api/events.ts'
import type { GuestSpec, GuestStatus } from '../api/guest.ts'
import type { Finding, Operation } from '../api/resources.ts'
import type { SiteExit } from '../api/site.ts'
import { worst } from './check/finding.ts'

/** An event without its place in the stream. */
export type Told = Omit<FarmEvent, 'cursor' | 'at'> & { readonly at?: string }

/** The record of a guest, as far as events go. */
export interface GuestWish {
  readonly name: string
  readonly created: string
  readonly deleting?: boolean
  readonly spec: GuestSpec
}

export function tellGuest(before: GuestWish | undefined, after: GuestWish | undefined): Told[] {
  const told = (name: string, event: string, detail?: string): Told => tell('guest', name, event, { detail })
  if (!after) return before ? [told(before.name, 'removed')] : []
  if (!before) return [told(after.name, 'created', after.spec.template)]
  const changed = changedFields(before.spec, after.spec)
  return [
    ...(before.name === after.name ? [] : [told(after.name, 'renamed', `from ${before.name}`)]),
    ...(changed.length === 0 ? [] : [told(after.name, 'changed', changed.join(', '))]),
    ...(after.deleting && !before.deleting ? [told(after.name, 'removing')] : []),
  ]
}

/** What the wish to run, to stop or to start again leads to is told by the status. */
const toldByStatus: ReadonlySet<string> = new Set(['run', 'stop', 'restarts'])

function changedFields(before: GuestSpec, after: GuestSpec): string[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])] as (keyof GuestSpec)[]
  const changed = names.filter((name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]))
  return changed.filter((name) => !toldByStatus.has(name)).map((name) => (name === 'root' ? 'disk' : name))
}

type State = Pick<
  GuestStatus,
  'state' | 'generation' | 'since' | 'at' | 'restarts' | 'startedAt' | 'failures' | 'reason'
>

const isLive = (status: State | undefined): boolean => status?.state === 'running' || status?.state === 'frozen'

/** One that lives anew without having been asked to had died, or ended itself. */
export function tellGuestStatus(name: string, before: State | undefined, after: State | undefined): Told[] {
  if (!after) return []
  const { state, since, at = since, startedAt, reason } = after
  const told = (event: string, more: { at?: string | undefined; reason?: string | undefined } = {}): Told =>
    tell('guest', name, event, more)
  const anew = isLive(before) && isLive(after) && before?.startedAt !== startedAt
  const asked = before?.generation !== after.generation || before.restarts !== after.restarts
  const started = isLive(after) && (!isLive(before) || anew)
  const frozenBefore = before?.state === 'frozen' && !anew
  const events: Told[] = []
  if (anew) events.push(told(asked ? 'stopped' : 'died', { at }))
  if (started) events.push(told('started', { at: startedAt ?? at }))
  if (state === 'frozen' && !frozenBefore) events.push(told('frozen', { at: since }))
  if (state === 'running' && frozenBefore) events.push(told('unfrozen', { at: since }))
  if (state === 'stopped' && before && before.state !== 'stopped') events.push(told('stopped', { at: since }))
  const again = before?.state === state && before.failures === after.failures && before.reason === reason
  if (state === 'waits' && !again) events.push(told('failed', { at, reason }))
  if (state === 'failed' && !again) events.push(told('gave-up', { at, reason }))
  return events
}

interface SnapshotState {
  readonly state: 'ready' | 'lost'
  readonly at: string
}

export function tellSnapshot(
  name: string,
  before: SnapshotState | undefined,
  after: SnapshotState | undefined,
): Told[] {
  if (!after) return before ? [tell('snapshot', name, 'removed')] : []
  if (before?.state === after.state) return []
  return [tell('snapshot', name, after.state === 'ready' ? 'taken' : 'lost', { at: after.at })]
}

interface TemplateState {
  readonly state: 'ready' | 'failed'
  readonly at: string
  readonly reason?: string
}

export function tellTemplateStatus(name: string, before: TemplateState | undefined, after: TemplateState | undefined) {
  if (!after || before?.state === after.state) return []
  const { at, reason } = after
  return [tell('template', name, after.state === 'ready' ? 'built' : 'failed', { at, reason })]
}

type Work = Pick<Operation, 'id' | 'verb' | 'target' | 'by' | 'state' | 'created' | 'finished' | 'error'>

/** That an old one was forgotten is no news. */
export function tellOperation(before: Work | undefined, after: Work | undefined): Told[] {
  if (!after || before?.state === after.state) return []
  const { id, by, state, target } = after
  const detail = `${after.verb} ${target.name}`
  if (state === 'running') return [tell('op', id, 'started', { at: after.created, by, detail })]
  return [tell('op', id, state, { at: after.finished, by, detail, reason: after.error?.message })]
}

export interface HookState {
  readonly state: 'ok' | 'failed'
  readonly at: string
  readonly event: string
  readonly reason?: string
}

export function tellHook(name: string, before: HookState | undefined, after: HookState | undefined): Told[] {
  if (!after || before?.state === after.state) return []
  const { at, reason } = after
  return [tell('hook', name, after.state === 'ok' ? 'mended' : 'failed', { at, reason, detail: after.event })]
}

export interface CheckState {
  readonly route: string
  readonly at: string
  readonly findings: readonly Finding[]
}

/** When the worst of what is believed of a route is another; that a route is well from the first is no news. */
export function tellCheck(before: CheckState | undefined, after: CheckState | undefined): Told[] {
  const [was, is] = [before, after].map((each) => worst((each?.findings ?? []).map(({ verdict }) => verdict)))
  if (!after || is === undefined || was === is) return []
  const found = after.findings.find(({ verdict }) => verdict === is)
  const told = is === 'ok' || !found ? {} : { reason: found.evidence, detail: found.check }
  return [tell('check', after.route, is, { at: after.at, ...told })]
}

type Values = { readonly values?: Readonly<Record<string, { readonly value: unknown }>> } | undefined

/** Which settings are others now; not what they are: who may read events may not be whom they are for. */
export function tellConfig(site: string, before: Values, after: Values): Told[] {
  // It goes with its site.
  if (after === undefined) return []
  const [old, next] = [before?.values ?? {}, after.values ?? {}]
  const paths = [...new Set([...Object.keys(old), ...Object.keys(next)])]
  const changed = paths.filter((path) => JSON.stringify(old[path]?.value) !== JSON.stringify(next[path]?.value))
  if (changed.length === 0) return []
  return [tell('site', site, 'configured', { detail: changed.join(', ').slice(0, 500) })]
}

export function tellSecret(site: string, name: string, after: unknown): Told[] {
  return [tell('site', site, after === undefined ? 'secret-removed' : 'secret-set', { detail: name })]
}

/** Of a site that it is there, runs another release, or is on its way out; its instances are guests. */
export function tellSite(name: string, before: SiteWish | undefined, after: SiteWish | undefined): Told[] {
  if (!before || !after) return tellRecord('site', name, before, after)
  if (after.deleting && !before.deleting) return [tell('site', name, 'removing')]
  return [
    ...(before.release === after.release
      ? []
      : [tell('site', name, 'released', { detail: after.release ?? 'nothing' })]),
    ...(before.run === after.run ? [] : [tell('site', name, after.run === 'running' ? 'started' : 'stopped')]),
  ]
}
/** Of each what is newer than before: it may have ended several times since. */
export function tellExits(site: string, before: SiteExits | undefined, after: SiteExits | undefined): Told[] {
  const known = new Set(
    (before?.exits ?? []).map(({ at, instance, kind, name }) => [at, instance, kind, name].join(' ')),
  )
  return (after?.exits ?? [])
    .filter(({ at, instance, kind, name }) => !known.has([at, instance, kind, name].join(' ')))
    .map(({ at, instance, kind, name, why, times }) =>
      tell('site', site, kind === 'cron' ? 'cron-failed' : 'daemon-ended', {
        ...{ at, reason: times > 1 ? `${why}, ${times} times` : why },
        detail: `${instance} ${name}`,
      }),
    )
}
export interface SiteExits {
  readonly exits: readonly SiteExit[]
}

export interface SiteWish {
  readonly release?: string | null
  readonly run?: string
  readonly deleting?: boolean
}

/** Of records that are there or not, and have a name. */
export function tellRecord(kind: EventKind, name: string, before: unknown, after: unknown): Told[] {
  if (before === undefined && after === undefined) return []
  return [tell(kind, name, before === undefined ? 'created' : after === undefined ? 'removed' : 'changed')]
}

type More = { readonly [K in 'at' | 'by' | 'reason' | 'detail']?: string | undefined }

/** Of a reason the first line: the rest is for `croft show`. */
export function tell(kind: EventKind, name: string, event: string, { at, by, reason, detail }: More = {}): Told {
  return {
    ...{ kind, name, event },
    ...(at === undefined ? {} : { at }),
    ...(by === undefined ? {} : { by }),
    ...(reason === undefined ? {} : { reason: (reason.split('\n', 1)[0] ?? '').slice(0, 500) }),
    ...(detail === undefined ? {} : { detail }),
  }
}
