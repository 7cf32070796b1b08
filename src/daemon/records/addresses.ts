/** Public addresses: each belongs to one guest of the farm, or to nobody. */
import { CroftError } from '../../api/errors.ts'
import type { PublicAddress } from '../../api/guest.ts'
import { contains, formatRange, nobodys, parseRange } from '../../plan/firewall/ranges.ts'
import type { Compare, Write } from '../../store/store.ts'
import { type Daemon, getFarm } from '../daemon.ts'
import { assertNoHosts } from './hosts-around.ts'
import { keys } from './keys.ts'
import { assertHasUplinks } from './network-hosts.ts'
import { enterNetworks, readNetworks } from './networks.ts'
import { type GuestRecord, read } from './records.ts'

export interface AddressRecord {
  readonly host: string
  readonly number: number
}

/** What must hold and be written so that the guest has `after` instead of `before`. EXISTS says whose an address is. */
export async function moveAddresses(
  daemon: Daemon,
  guest: Pick<GuestRecord, 'host' | 'number' | 'name'>,
  before: readonly PublicAddress[] = [],
  after: readonly PublicAddress[] = [],
): Promise<{ compare: Compare[]; writes: Write[] }> {
  const [had, has] = [before, after].map((list) => new Set(list.map(({ address }) => keys.address(address))))
  const gained = [...(has ?? [])].filter((key) => !had?.has(key))
  const lost = [...(had ?? [])].filter((key) => !has?.has(key))
  const fresh = after.filter(({ address }) => gained.includes(keys.address(address)))
  for (const each of fresh) await assertFree(daemon, each)
  const entered = await enterNetworks(daemon.store, fresh)
  if (guest.host === getFarm(daemon).parts.host.name) await assertHasUplinks(daemon, guest.name, fresh)
  const value: AddressRecord = { host: guest.host, number: guest.number }
  return {
    compare: [...gained.map((key) => ({ key, revision: 0 })), ...entered.compare],
    writes: [
      ...gained.map((put): Write => ({ put, value })),
      ...lost.map((key): Write => ({ delete: key })),
      ...entered.writes,
    ],
  }
}

export async function findAddressOwner(daemon: Daemon, address: string): Promise<GuestRecord | undefined> {
  const held = await read<AddressRecord>(daemon.store, keys.address(address))
  return held && (await read<GuestRecord>(daemon.store, keys.guest(held.value.host, held.value.number)))?.value
}

async function assertFree(daemon: Daemon, { address, network: of }: PublicAddress): Promise<void> {
  const owner = await findAddressOwner(daemon, address)
  if (owner)
    throw new CroftError('EXISTS', `${address} belongs to guest "${owner.name}"`, {
      hint: `croft address rm ${address}`,
    })
  const { farm, network } = getFarm(daemon).parts
  const range = parseRange(address)
  for (const prefix of [farm.prefix4, farm.prefix6].map(parseRange))
    if (range && prefix && contains(prefix, range))
      throw new CroftError('REFUSED', `${address} is of the network of the guests: it is given by their number`)
  const claim = await network.claims(address)
  if (claim !== undefined) throw new CroftError('EXISTS', `${address} is ${claim}`, { hint: 'ip address; ip route' })
  await assertNoHosts(daemon, address)
  // What else it may be, its network says.
  if (of !== undefined) return
  for (const { name, subnets } of await readNetworks(daemon.store))
    for (const { subnet } of subnets) {
      const whole = parseRange(subnet)
      if (range && whole && contains(whole, range))
        throw new CroftError('REFUSED', `${address} is of network ${name}`, {
          hint: `croft network attach ${name} GUEST ${address}`,
        })
    }
}

/** In its one spelling. What can never be a guest's is refused. */
export function publicAddress(text: string): string {
  const range = parseRange(text)
  const never = range && nobodys.find((network) => contains(network, range))
  if (!range || never) throw new CroftError('BAD_VALUE', `${text} can be nobody's public address`)
  return formatRange(range)
}
