/** Which /16 guests can have on this host, and what stands in the way of one. Pure. */
import { z } from 'zod'
import { meshProtocol } from '../../drivers/mesh/routes.ts'
import { numberOfLink } from '../../plan/addresses.ts'
import { type AddressRange, contains, parseRange } from '../../plan/firewall/ranges.ts'

export interface Taken {
  readonly network: string
  /** The link it leads to, or what else uses it. */
  readonly by: string
}

export interface Collision extends Taken {
  /** `inside`: addresses of guests would be somebody else's. `around`: guests hide a part of a wider network. */
  readonly how: 'inside' | 'around'
}

/** What is tried, in this order. */
export const candidates: readonly string[] = [
  ...count(100, 254).map((second) => `10.${second}.0.0/16`),
  ...count(1, 99).map((second) => `10.${second}.0.0/16`),
  ...count(16, 31).map((second) => `172.${second}.0.0/16`),
]

const Routes = z.array(
  z.object({
    dst: z.string(),
    dev: z.string().optional(),
    type: z.string().optional(),
    protocol: z.string().optional(),
  }),
)

/** `ip -j -4 route show table all`, without default routes and what belongs to guests, here or behind other hosts. Local addresses are among them. */
export function parseTaken(text: string): Taken[] {
  return Routes.parse(text.trim() === '' ? [] : JSON.parse(text)).flatMap(({ dst, dev, type, protocol }) =>
    dst === 'default' || protocol === meshProtocol || (dev !== undefined && numberOfLink(dev) !== undefined)
      ? []
      : [{ network: dst, by: dev ?? type ?? 'a route' }],
  )
}

export function collisionsOf(prefix4: string, taken: readonly Taken[]): Collision[] {
  const prefix = parseRange(prefix4)
  return taken.flatMap((each): Collision[] => {
    const range = parseRange(each.network)
    if (!prefix || !range) return []
    if (contains(prefix, range)) return [{ ...each, how: 'inside' }]
    return overlaps(prefix, range) ? [{ ...each, how: 'around' }] : []
  })
}

/** The first that nothing touches; else the first that is only part of a wider route. */
export function findFreePrefix(taken: readonly Taken[]): string | undefined {
  return (
    candidates.find((prefix) => collisionsOf(prefix, taken).length === 0) ??
    candidates.find((prefix) => collisionsOf(prefix, taken).every(({ how }) => how === 'around'))
  )
}

const overlaps = (a: AddressRange, b: AddressRange): boolean =>
  a.family === b.family && a.from <= b.to && b.from <= a.to

function count(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index)
}
