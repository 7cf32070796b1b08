/** `key=value` words as a change of a guest. Values go as typed: the server reads and checks them. */
import type { GuestChange } from '../../api/guest.ts'

const wireNames: ReadonlyMap<string, string> = new Map([
  ['disk-rate', 'diskRate'],
  ['net-rate', 'netRate'],
  ['net-rate-in', 'netRateIn'],
  ['net-rate-out', 'netRateOut'],
])

/** An empty value takes a label or a limit away; `key=` alone takes all keys away. */
export function readSettings(words: readonly (readonly [key: string, value: string])[]): GuestChange {
  const change: Record<string, unknown> = {}
  const labels: Record<string, string | null> = {}
  const keys: string[] = []
  for (const [key, value] of words) {
    if (key.startsWith('label.')) labels[key.slice('label.'.length)] = value === '' ? null : value
    else if (key === 'key') keys.push(...(value === '' ? [] : [value]))
    else change[wireNames.get(key) ?? key] = value
  }
  if (Object.keys(labels).length > 0) change.labels = labels
  if (words.some(([key]) => key === 'key')) change.keys = keys
  // The type is what the schema makes of it; on the wire these are still the words.
  return change as GuestChange
}
