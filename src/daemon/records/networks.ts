/** Networks of the site as they lie in the store, and who has which address of them. */
import { CroftError } from '../../api/errors.ts'
import type { GuestSpec, PublicAddress } from '../../api/guest.ts'
import { memberAddress, nextAddresses, type SiteNetwork } from '../../plan/networks.ts'
import type { Compare, Store, Write } from '../../store/store.ts'
import type { AddressRecord } from './addresses.ts'
import { keys } from './keys.ts'
import { type Held, read, readAll } from './records.ts'

export type NetworkRecord = SiteNetwork & { readonly schema: number }

export const readNetworks = async (store: Store): Promise<readonly NetworkRecord[]> =>
  (await readAll<NetworkRecord>(store, keys.networks)).map(({ value }) => value)

/** Those that a guest has an address of. */
export async function networksOf(
  store: Store,
  { addresses = [] }: Pick<GuestSpec, 'addresses'>,
): Promise<readonly NetworkRecord[]> {
  const names = new Set(addresses.flatMap(({ network }) => network ?? []))
  return names.size === 0 ? [] : (await readNetworks(store)).filter(({ name }) => names.has(name))
}

export async function getNetwork({ store }: { readonly store: Store }, name: string): Promise<Held<NetworkRecord>> {
  const found = await read<NetworkRecord>(store, keys.network(name))
  if (found) return found
  throw new CroftError('NOT_FOUND', `no network "${name}"`, { hint: 'croft network ls' })
}

export interface Membership {
  readonly network: string
  /** None: the next that nobody has. */
  readonly addresses: readonly string[]
}

const mostAddresses = 32

/** What a guest has after it has come into these networks. */
export async function withMemberships(
  daemon: { readonly store: Store },
  spec: Pick<GuestSpec, 'addresses'>,
  wanted: readonly Membership[],
): Promise<readonly PublicAddress[]> {
  const all = new Map((spec.addresses ?? []).map((each) => [each.address, each]))
  for (const { network, addresses } of wanted)
    for (const address of await membersOf(daemon, { network, addresses }, new Set(all.keys())))
      all.set(address, { address, announce: false, network })
  if (all.size > mostAddresses)
    throw new CroftError('LIMIT_REACHED', `a guest has at most ${mostAddresses} addresses beside its own`)
  return [...all.values()]
}

async function membersOf(
  { store }: { readonly store: Store },
  { network: name, addresses }: Membership,
  own: ReadonlySet<string>,
): Promise<readonly string[]> {
  const network = (await getNetwork({ store }, name)).value
  if (addresses.length > 0) return addresses.map((address) => memberAddress(network, address))
  const held = (await readAll<AddressRecord>(store, keys.address(''))).map(({ key }) => key)
  const taken = new Set(held)
  const found = nextAddresses(network, (address) => own.has(address) || taken.has(keys.address(address)))
  const given = found.filter((address) => address !== undefined)
  if (given.length === found.length) return given
  throw new CroftError('LIMIT_REACHED', `network ${name} has no free address left`, {
    hint: `croft network show ${name}`,
  })
}

/**
 * What must hold and be written when guests come into networks. The record is written as it is: who removes or changes the
 * network at that moment sees that it is used.
 */
export async function enterNetworks(
  store: Store,
  gained: readonly PublicAddress[],
): Promise<{ compare: Compare[]; writes: Write[] }> {
  const names = new Set(gained.flatMap(({ network }) => network ?? []))
  const compare: Compare[] = []
  const writes: Write[] = []
  for (const name of names) {
    const { key, revision, value } = await getNetwork({ store }, name)
    for (const { address } of gained.filter(({ network }) => network === name)) memberAddress(value, address)
    compare.push({ key, revision })
    writes.push({ put: key, value })
  }
  return { compare, writes }
}
