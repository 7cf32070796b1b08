/** A guest's settings as the text that `croft edit` opens, and back. */
import { isDeepStrictEqual } from 'node:util'
import { CroftError } from '../../../api/errors.ts'
import type { Guest, GuestChange } from '../../../api/guest.ts'

export interface Settings {
  readonly size: unknown
  readonly memory: unknown
  readonly cpu: unknown
  readonly disk: unknown
  readonly processes: unknown
  readonly diskRate: unknown
  readonly netRate: unknown
  readonly netRateIn: unknown
  readonly netRateOut: unknown
  readonly mtu: unknown
  readonly autostart: unknown
  readonly order: unknown
  readonly nesting: unknown
  readonly certificate: unknown
  readonly labels: Readonly<Record<string, unknown>>
  readonly keys: unknown
}

export function settingsOf({ spec }: Guest): Settings {
  const { limits } = spec
  return {
    size: spec.size ?? null,
    memory: limits.memoryBytes ?? null,
    cpu: limits.cpus ?? null,
    disk: limits.diskBytes ?? null,
    processes: limits.processes ?? null,
    diskRate: limits.diskRate ?? null,
    netRate: limits.netRate ?? null,
    netRateIn: limits.netRateIn ?? null,
    netRateOut: limits.netRateOut ?? null,
    mtu: limits.mtu ?? null,
    autostart: spec.autostart,
    order: spec.order,
    nesting: spec.nesting === true,
    certificate: spec.certificate ?? null,
    labels: spec.labels,
    keys: spec.keys,
  }
}

export function settingsText(name: string, settings: Settings): string {
  const shown = { ...settings, memory: sized(settings.memory), disk: sized(settings.disk) }
  return [
    `# The settings of ${name}. Lines that start with # do not count; null is no limit.`,
    '# Sizes may be written as 512M or 2G, rates in bytes a second.',
    JSON.stringify(shown, null, 2),
    '',
  ].join('\n')
}

/** Whole megabytes as people write them; the server reads both. */
function sized(value: unknown): unknown {
  if (typeof value !== 'number' || value % 1024 ** 2 !== 0) return value
  return value % 1024 ** 3 === 0 ? `${value / 1024 ** 3}G` : `${value / 1024 ** 2}M`
}

export function parseSettings(text: string): Readonly<Record<string, unknown>> {
  const own = text
    .split('\n')
    .filter((line) => !/^\s*#/.test(line))
    .join('\n')
  try {
    const value: unknown = JSON.parse(own)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  } catch (cause) {
    throw new CroftError('USAGE', `this is not JSON: ${cause instanceof Error ? cause.message : cause}`, { cause })
  }
  throw new CroftError('USAGE', 'the settings must be one JSON object')
}

/** Only what was changed is sent; a label that is gone is taken away. */
export function differences(before: Settings, after: Readonly<Record<string, unknown>>): GuestChange {
  const change: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(after)) {
    const old: unknown = Object.hasOwn(before, key) ? before[key as keyof Settings] : undefined
    if (isDeepStrictEqual(old, value) || sized(old) === value) continue
    change[key] = key === 'labels' ? labelChange(before.labels, value) : value
  }
  return change as GuestChange
}

function labelChange(before: Readonly<Record<string, unknown>>, after: unknown): unknown {
  if (typeof after !== 'object' || after === null || Array.isArray(after)) return after
  const gone = Object.keys(before).filter((key) => !Object.hasOwn(after, key))
  const changed = Object.entries(after).filter(([key, value]) => before[key] !== value)
  return Object.fromEntries([...gone.map((key) => [key, null]), ...changed])
}
