/** What `croft set web memory=1G` or `croft stop web` makes of a spec. Pure. */
import { CroftError } from '../api/errors.ts'
import type { GuestAction, GuestChange, GuestSpec, Limits } from '../api/guest.ts'
import type { Size } from '../api/resources.ts'

type Spec = Omit<GuestSpec, 'root'>

/** A size sets the limits it names; limits given beside it win. null takes one away. */
export function applyChange<T extends Spec>(spec: T, change: GuestChange, size: Size | undefined): T {
  const { size: _size, nesting: _nesting, ...rest } = spec
  const nesting = change.nesting ?? spec.nesting === true
  const name = change.size === undefined ? spec.size : (change.size ?? undefined)
  return {
    ...rest,
    ...(name === undefined ? {} : { size: name }),
    limits: limitsAfter(spec.limits, change, size),
    labels: labelsAfter(spec.labels, change.labels),
    autostart: change.autostart ?? spec.autostart,
    order: change.order ?? spec.order,
    ...(nesting ? { nesting } : {}),
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
