/** Who is called what inside the farm: pure. */
import type { Named, Zone } from '../drivers/names/driver.ts'
import { ipv4Of, ipv6Of } from './addresses.ts'

export interface NamesInput {
  readonly farm: { readonly name: string; readonly prefix4: string; readonly prefix6: string }
  readonly guests: readonly { readonly name: string; readonly number: number }[]
  /** A site's own name leads to those that are ready for requests. */
  readonly sites?: readonly { readonly name: string; readonly ready: readonly number[] }[]
  readonly host: Named
  /** The others of the farm. */
  readonly hosts?: readonly Named[]
}

/** A guest that bore the host's name before it was reserved keeps it. Guests of builds have none: nobody is to reach them. */
export function zoneOf({ farm, guests, sites = [], host, hosts = [] }: NamesInput): Zone {
  const { name, prefix4, prefix6 } = farm
  const addressesOf = (number: number) => [ipv4Of(prefix4, number), ipv6Of(prefix6, number)]
  const named = guests
    .filter((guest) => !isBuild(guest.name))
    .toSorted((a, b) => a.number - b.number)
    .map((guest): Named => ({ name: nameInFarm(guest.name), addresses: addressesOf(guest.number) }))
  const known = new Set(guests.map(({ number }) => number))
  const ofSites = sites
    .map(({ name, ready }) => ({ name, ready: ready.filter((number) => known.has(number)) }))
    .filter(({ ready }) => ready.length > 0)
    .map(({ name, ready }): Named => ({ name: nameInFarm(name), addresses: ready.flatMap(addressesOf) }))
  const free = [host, ...hosts].filter((each) => !named.some((guest) => guest.name === each.name))
  return { farm: name, prefix4, prefix6, names: [...free, ...named, ...ofSites] }
}

const isBuild = (name: string): boolean => name.split('/')[1] === 'build'

/** `web`; `prod.shop.site` of a site, `1.prod.shop.site` of an instance: each part is a label, so that no two names meet. */
export const nameInFarm = (name: string): string =>
  name.includes('/') ? `${name.split('/').reverse().join('.')}.site` : name

const longestHostName = 63

/** What it calls itself, which is one label: `shop-prod-1`. Nobody finds it by that. */
export function hostNameOf(name: string): string {
  const [last = '', ...before] = name.split('/').reverse()
  if (before.length === 0) return name
  const end = `-${last}`.slice(0, longestHostName - 1)
  return `${before
    .reverse()
    .join('-')
    .slice(0, longestHostName - end.length)}${end}`
}
