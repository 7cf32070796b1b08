/** What `croft set web memory=1G` or `croft stop web` makes of a spec. Pure. */
import { CroftError } from '../api/errors.ts'
import type { GuestAction, GuestChange, GuestSpec, Limits } from '../api/guest.ts'
import type { Size } from '../api/resources.ts'

type Spec = Omit<GuestSpec, 'root'>

/** A size sets the limits it names; limits given beside it win. null takes one away. */
export function applyChange<T extends Spec>(spec: T, change: GuestChange, size: Size | undefined): T {
  const { size: _size, nesting: _nesting, certificate: _certificate, ...rest } = spec
  const nesting = change.nesting ?? spec.nesting === true
  const certificate = change.certificate === undefined ? spec.certificate : (change.certificate ?? undefined)
  const name = change.size === undefined ? spec.size : (change.size ?? undefined)
  return {
    ...rest,
    ...(name === undefined ? {} : { size: name }),
    limits: limitsAfter(spec.limits, change, size),
    labels: labelsAfter(spec.labels, change.labels),
    autostart: change.autostart ?? spec.autostart,
    order: change.order ?? spec.order,
    ...(nesting ? { nesting } : {}),
    ...(certificate === undefined ? {} : { certificate }),
    keys: change.keys ?? spec.keys,
  } as unknown as T
}

const limitNames = {
  memory: 'memoryBytes',
  cpu: 'cpus',
  disk: 'diskBytes',
  processes: 'processes',
  diskRate: 'diskRate',
  netRate: 'netRate',
  netRateIn: 'netRateIn',
  netRateOut: 'netRateOut',
  mtu: 'mtu',
} as const satisfies Partial<Record<keyof GuestChange, keyof Limits>>

function limitsAfter(before: Limits, change: GuestChange, size: Size | undefined): Limits {
  const limits: { -readonly [K in keyof Limits]: number } = { ...before }
  if (size)
    Object.assign(limits, {
      memoryBytes: size.memoryBytes,
      cpus: size.cpus,
      diskBytes: size.diskBytes,
      processes: size.processes,
    })
  for (const [word, limit] of Object.entries(limitNames) as [keyof typeof limitNames, keyof Limits][]) {
    const value = change[word]
    if (value === null) delete limits[limit]
    else if (value !== undefined) limits[limit] = value
  }
  return limits
}

function labelsAfter(before: Readonly<Record<string, string>>, change: GuestChange['labels']): Record<string, string> {
  const labels = { ...before }
  for (const [key, value] of Object.entries(change ?? {})) {
    if (value === null || value === '') delete labels[key]
    else labels[key] = value
  }
  return Object.fromEntries(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)))
}

export function applyAction(spec: GuestSpec, action: GuestAction['do']): GuestSpec {
  switch (action) {
    case 'start':
      return { ...spec, run: spec.run === 'frozen' ? 'frozen' : 'running', stop: 'graceful' }
    case 'unfreeze':
      return { ...spec, run: spec.run === 'frozen' ? 'running' : spec.run }
    case 'stop':
      return { ...spec, run: 'stopped', stop: 'graceful' }
    case 'kill':
      return { ...spec, run: 'stopped', stop: 'kill' }
    case 'restart':
      return { ...spec, run: 'running', stop: 'graceful', restarts: spec.restarts + 1 }
    case 'freeze':
      if (spec.run === 'stopped')
        throw new CroftError('NOT_RUNNING', 'a stopped guest cannot be frozen', { hint: 'croft start' })
      return { ...spec, run: 'frozen' }
  }
}

/**
 * Disk and run state stay as they are: a revert of settings must not throw data away. Folders of the host and private keys are
 * given by root's own word alone. Each limit and label is a field of its own.
 */
const apart: ReadonlySet<string> = new Set(
  'root run stop restarts pool template mounts certificate limits labels'.split(' '),
)

/**
 * What a change from `before` to `after` touched is put back; all else stays as it is now. Throws CHANGED_MEANWHILE when
 * somebody has set one of these anew since.
 */
export function revertSpec(spec: GuestSpec, before: GuestSpec, after: GuestSpec): GuestSpec {
  const { limits, labels, ...rest } = revertFields(spec, before, after, apart)
  return {
    ...rest,
    limits: revertFields(spec.limits, before.limits, after.limits),
    labels: revertFields(spec.labels, before.labels, after.labels),
  }
}

function revertFields<T extends object>(now: T, before: T, after: T, skipped: ReadonlySet<string> = new Set()): T {
  const next = { ...now } as Record<string, unknown>
  const at = (of: object, key: string): unknown => (of as Record<string, unknown>)[key]
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const [was, is] = [at(before, key), at(now, key)]
    if (skipped.has(key) || isSame(was, at(after, key)) || isSame(is, was)) continue
    if (!isSame(is, at(after, key)))
      throw new CroftError('CHANGED_MEANWHILE', `${key} was set anew since then: ${JSON.stringify(is) ?? 'none'}`, {
        hint: 'croft history; revert the later change first, or use croft set',
      })
    if (was === undefined) delete next[key]
    else next[key] = was
  }
  return next as T
}

const isSame = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b)
