/**
 * Counts who failed to show who they are, by address: of IPv6 by /64, which is what one customer has. Whoever shows a
 * right token is let in all the same, so that nobody is locked out by a neighbour behind the same address.
 */
import { isIPv6 } from 'node:net'

export const failuresAllowed = 20
const windowMs = 60_000
const addressesKept = 10_000

interface Count {
  readonly until: number
  failures: number
}

export class Attempts {
  readonly #now: () => number
  readonly #counts = new Map<string, Count>()

  constructor(now: () => number) {
    this.#now = now
  }

  /** True when this address has failed too often in the last minute, this time counted. */
  failed(address: string): boolean {
    const key = blockOf(address)
    const now = this.#now()
    const found = this.#counts.get(key)
    const count = found && found.until > now ? found : { until: now + windowMs, failures: 0 }
    count.failures += 1
    this.#counts.delete(key)
    this.#counts.set(key, count)
    if (this.#counts.size > addressesKept) this.#forgetOldest()
    return count.failures > failuresAllowed
  }

  #forgetOldest(): void {
    const [oldest] = this.#counts.keys()
    if (oldest !== undefined) this.#counts.delete(oldest)
  }
}

/** `::ffff:203.0.113.7` is an IPv4 address that came in by an IPv6 socket. */
export function blockOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)
  if (mapped?.[1]) return mapped[1]
  if (!isIPv6(address)) return address
  const [head = '', tail] = address.split('%')[0]?.split('::') ?? []
  const front = head === '' ? [] : head.split(':')
  const back = tail === undefined || tail === '' ? [] : tail.split(':')
  const middle = tail === undefined ? [] : Array<string>(8 - front.length - back.length).fill('0')
  return `${[...front, ...middle, ...back].slice(0, 4).join(':')}::/64`
}
