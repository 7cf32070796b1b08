/** /etc/subuid and /etc/subgid: whose ranges they are, and whether ours is covered and nobody else's. Pure. */
import { defaultUidBase, uidRangeSize, uidSlots } from '../../plan/addresses.ts'

export interface IdRange {
  readonly owner: string
  readonly start: number
  readonly count: number
}

export const ownRange = (uidBase = defaultUidBase): IdRange => ({
  owner: 'root',
  start: uidBase,
  count: uidRangeSize * uidSlots,
})

/** Lines that newuidmap would not take either are passed over. */
export function parseRanges(text: string): IdRange[] {
  return text.split('\n').flatMap((line) => {
    const match = /^([^:#\s]+):(\d{1,10}):(\d{1,10})\s*$/.exec(line)
    return match ? [{ owner: match[1] ?? '', start: Number(match[2]), count: Number(match[3]) }] : []
  })
}

export const lineOf = ({ owner, start, count }: IdRange): string => `${owner}:${start}:${count}`

/** Ours, under root's name or number; one line must hold all of it. */
export function covers(ranges: readonly IdRange[], own: IdRange): boolean {
  return ranges.some(
    ({ owner, start, count }) =>
      (owner === own.owner || owner === '0') && start <= own.start && start + count >= own.start + own.count,
  )
}

/** Ranges of others that share an id with ours. */
export function overlapping(ranges: readonly IdRange[], own: IdRange): IdRange[] {
  return ranges.filter(
    ({ owner, start, count }) =>
      owner !== own.owner && owner !== '0' && start < own.start + own.count && own.start < start + count,
  )
}
