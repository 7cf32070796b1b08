/** What a change changed, in few words: `limits.cpus 2 → 1, labels.tier + data`. Pure. */

/** What means nothing to people beside the name that changes with it. */
const inner = /(^|\.)(id|number|kind)$/

/** Up to `most` of them; numbers and words as they are, everything deeper as JSON. */
export function changesBetween(before: unknown, after: unknown, most = 4): string {
  if (!isRecord(before) || !isRecord(after)) return ''
  const [old, now] = [flat(before), flat(after)]
  const paths = [...new Set([...old.keys(), ...now.keys()])]
    .filter((path) => !inner.test(path) && old.get(path) !== now.get(path))
    .sort()
  const told = paths.slice(0, most).map((path) => tell(path, old.get(path), now.get(path)))
  return [...told, ...(paths.length > most ? [`and ${paths.length - most} more`] : [])].join(', ')
}

function tell(path: string, before: string | undefined, after: string | undefined): string {
  if (before === undefined) return `${path} + ${after}`
  return after === undefined ? `${path} - ${before}` : `${path} ${before} → ${after}`
}

function flat(value: Record<string, unknown>, path = ''): Map<string, string> {
  const found = new Map<string, string>()
  for (const [key, each] of Object.entries(value)) {
    const at = path === '' ? key : `${path}.${key}`
    if (isRecord(each)) for (const [below, text] of flat(each, at)) found.set(below, text)
    else found.set(at, typeof each === 'string' ? each : JSON.stringify(each))
  }
  return found
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
