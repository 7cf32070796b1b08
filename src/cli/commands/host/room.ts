import type { Host } from '../../../api/host.ts'

/** Of all its pools together; null when one of them cannot tell. */
export function poolSum({ pools }: Host, what: 'totalBytes' | 'freeBytes'): number | null {
  const each = Object.values(pools).map((pool) => pool[what])
  return each.length === 0 || each.includes(null) ? null : each.reduce((sum: number, bytes) => sum + (bytes ?? 0), 0)
}
