/** Where somebody may not be led: addresses are looked at when they are connected to, for a name may lead elsewhere the second time. */
import { lookup as resolve } from 'node:dns'
import { BlockList, isIP, type LookupFunction } from 'node:net'

export type Forbids = (address: string) => boolean

/** IPv4 written as IPv6 counts as IPv4. */
export function forbidding(ranges: readonly string[]): Forbids {
  const list = new BlockList()
  for (const range of ranges) {
    const [address = '', bits] = range.split('/')
    const family = familyOf(address)
    list.addSubnet(address, Number(bits ?? (family === 'ipv6' ? 128 : 32)), family)
  }
  return (address) => list.check(address, familyOf(address))
}

/** In the place of Node's own: an error when one of the addresses that a name has is forbidden. */
export const farLookup =
  (forbids: Forbids, refused: (address: string) => Error): LookupFunction =>
  (name, options, callback) =>
    resolve(name, { ...options, all: true }, (error, found) => {
      const bad = found?.find(({ address }) => forbids(address))
      if (error || bad) return callback(error ?? refused(bad?.address ?? ''), '', 0)
      if (options.all) return callback(null, found)
      return callback(null, found[0]?.address ?? '', found[0]?.family)
    })

/** Of a URL whose host is an address; undefined where it is a name, which is looked up. */
export function literalOf({ hostname }: URL): string | undefined {
  const literal = hostname.replace(/^\[|\]$/g, '')
  return isIP(literal) === 0 ? undefined : literal
}

const familyOf = (address: string): 'ipv4' | 'ipv6' => (isIP(address) === 6 ? 'ipv6' : 'ipv4')
