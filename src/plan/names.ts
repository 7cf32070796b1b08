/** Who is called what inside the farm: pure. */
import type { Named, Zone } from '../drivers/names/driver.ts'
import { ipv4Of, ipv6Of } from './addresses.ts'

export interface NamesInput {
  readonly farm: { readonly name: string; readonly prefix4: string; readonly prefix6: string }
  readonly guests: readonly { readonly name: string; readonly number: number }[]
  readonly host: Named
}

/** A guest that bore the host's name before it was reserved keeps it. */
export function zoneOf({ farm, guests, host }: NamesInput): Zone {
  const { name, prefix4, prefix6 } = farm
  const named = guests
    .toSorted((a, b) => a.number - b.number)
    .map(
      (guest): Named => ({
        name: guest.name,
        addresses: [ipv4Of(prefix4, guest.number), ipv6Of(prefix6, guest.number)],
      }),
    )
  const taken = named.some((guest) => guest.name === host.name)
  return { farm: name, prefix4, prefix6, names: taken ? named : [host, ...named] }
}
