/**
 * Keeps the VLAN networks of this host at what the records say: a device, a routing table and rules for each network that a
 * guest here has an address of, and nothing for others. One change after another.
 */
import { CroftError, toCroftError } from '../../api/errors.ts'
import type { PublicAddress } from '../../api/guest.ts'
import type { Finding } from '../../api/resources.ts'
import type { VlanGuest, Vlans, VlansWish, VlanWish } from '../../drivers/vlan/driver.ts'
import { ipv4Of, ipv6Of, meshPrefix4Of, meshPrefix6Of } from '../../plan/addresses.ts'
import { ok, red } from '../doctor/finding.ts'
import { keys } from '../records/keys.ts'
import { type NetworkRecord, readNetworks } from '../records/networks.ts'
import { type FarmRecord, type GuestRecord, read } from '../records/records.ts'
import type { VlanParts, VlanPlace } from './vlans.ts'

export interface VlanKeeper {
  bring(guests: readonly GuestRecord[]): Promise<void>
  ready(number: number): Promise<void>
  settle(number: number, asked: boolean): Promise<void>
  check(): Promise<readonly Finding[]>
  readonly refused: ReadonlySet<string>
}

/** `running`: guests that ran before this daemon did. */
export function createVlanKeeper(parts: VlanParts, place: VlanPlace, running: Set<number>): VlanKeeper {
  const { store, log, host, farm, network } = parts
  let driver: Vlans | undefined
  let guests: readonly GuestRecord[] = []
  /** Addresses of running guests that nobody else answered for: this host does. */
  const trusted = new Set<string>()
  /** What is the host's or somebody else's: nothing leads there while a guest wishes for it. */
  const refused = new Set<string>()
  const trouble = new Map<string, string>()
  let last: Promise<unknown> = Promise.resolve()
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const result = last.then(work, work)
    last = result.catch(() => {})
    return result
  }

  const wishNow = async () => wishOf(farm, await readNetworks(store), guests.map(withoutRefused), trusted)

  function withoutRefused(guest: GuestRecord): GuestRecord {
    const addresses = (guest.spec.addresses ?? []).filter(({ address }) => !refused.has(address))
    return { ...guest, spec: { ...guest.spec, addresses } }
  }

  /** A network that cannot be here takes no other with it. */
  async function reconcile(): Promise<Vlans> {
    driver ??= await place.driver()
    const wish = await wishNow()
    if (wish.networks.length > 0) await place.mark()
    trouble.clear()
    const changes = await driver.reconcile(wish).catch((thrown) => eachAlone(driver as Vlans, wish, thrown))
    if (changes.length > 0) log.info({ networks: wish.networks.length, changes: changes.length }, 'VLAN networks')
    if (wish.networks.length === 0) await place.unmark()
    return driver
  }

  async function eachAlone(by: Vlans, wish: VlansWish, thrown: unknown): Promise<readonly string[]> {
    const able: VlanWish[] = []
    for (const one of wish.networks) {
      const failed = await by.reconcile({ ...wish, networks: [...able, one] }).then(
        () => undefined,
        (why) => toCroftError(why),
      )
      if (failed) trouble.set(one.name, failed.message)
      else able.push(one)
    }
    for (const [name, why] of trouble) log.warn({ network: name }, `a network is not here as it should be: ${why}`)
    if (trouble.size === 0) log.warn({}, `networks are not as they should be: ${toCroftError(thrown).message}`)
    return by.reconcile({ ...wish, networks: able })
  }

  async function find(number: number): Promise<{ guest: GuestRecord; members: readonly PublicAddress[] } | undefined> {
    const guest = (await read<GuestRecord>(store, keys.guest(host.name, number)))?.value
    const members = (guest?.spec.addresses ?? []).filter(({ network: of }) => of !== undefined)
    if (!guest || members.length === 0) return undefined
    guests = [...guests.filter((each) => each.number !== number), guest]
    return { guest, members }
  }

  async function assertFree(number: number): Promise<void> {
    const found = await find(number)
    const asked = found?.members.filter(({ address }) => !trusted.has(address)) ?? []
    if (!found || asked.length === 0) return
    const isHosts = async ({ address }: PublicAddress) => {
      const claim = await network.claims(address)
      return claim === undefined ? undefined : `${address} is ${claim}`
    }
    await refuseWhat(found.guest, asked, isHosts)
    for (const { address } of asked) refused.delete(address)
    const vlans = await reconcile()
    const networks = new Map((await readNetworks(store)).map((each) => [each.name, each]))
    await refuseWhat(found.guest, asked, async ({ address, network: name = '' }) => {
      const known = networks.get(name)
      const why = known ? trouble.get(name) : `network ${name} is no more`
      if (!known || why !== undefined) throw new CroftError('REFUSED', why ?? '', { hint: 'croft network check' })
      const answered = await vlans.answers(known, address)
      return answered ? `${address} answers on network ${name}: somebody has it` : undefined
    })
  }

  /** Before it is told of, what was told for it is taken back. */
  async function refuseWhat(
    { name }: GuestRecord,
    asked: readonly PublicAddress[],
    whose: (asked: PublicAddress) => Promise<string | undefined>,
  ): Promise<void> {
    for (const each of asked) {
      const why = await whose(each)
      if (why === undefined) continue
      refused.add(each.address)
      await reconcile()
      const { network: from } = each
      throw new CroftError('REFUSED', why, {
        hint: `croft network detach ${from} ${name}; croft network attach ${from} ${name}`,
      })
    }
  }

  /** Of guests without a link nothing is answered for: where they start next, they are asked after again. */
  async function forgetStopped(): Promise<void> {
    const links = new Set((await network.links()).map(({ number }) => number))
    const live = guests.filter(({ number }) => links.has(number))
    for (const { number, spec } of live)
      if (running.has(number)) for (const { address } of spec.addresses ?? []) trusted.add(address)
    running.clear()
    const theirs = new Set(live.flatMap(({ spec }) => (spec.addresses ?? []).map(({ address }) => address)))
    for (const address of trusted) if (!theirs.has(address)) trusted.delete(address)
    const wished = new Set(guests.flatMap(({ spec }) => (spec.addresses ?? []).map(({ address }) => address)))
    for (const address of refused) if (!wished.has(address)) refused.delete(address)
  }

  return {
    bring: (now) =>
      inTurn(async () => {
        guests = now
        await forgetStopped()
        await reconcile()
      }).catch((thrown) => log.warn({}, `networks are not as they should be: ${toCroftError(thrown).message}`)),
    ready: (number) =>
      inTurn(async () => {
        // It does not run: what it had may be another's since.
        for (const { address } of (await find(number))?.members ?? []) trusted.delete(address)
        await assertFree(number)
      }),
    settle: (number, asked) =>
      inTurn(async () => {
        if (!asked) await assertFree(number)
        const members = (await find(number))?.members ?? []
        for (const { address } of members) trusted.add(address)
        if (members.length > 0) await reconcile()
      }),
    refused,
    check: () =>
      inTurn(async () => {
        const facts = await (await reconcile()).facts()
        const { networks } = await wishNow()
        return networks.map((each) => findingOf(each, { facts, why: trouble.get(each.name) }))
      }),
  }
}

function findingOf(
  wish: VlanWish,
  { facts, why }: { readonly facts: Awaited<ReturnType<Vlans['facts']>>; readonly why: string | undefined },
): Finding {
  const device = `${wish.uplink}.${wish.vlan}`
  const fact = facts.find((each) => each.device === device)
  const hint = `ip link show ${wish.uplink}; croft network show ${wish.name}`
  if (why !== undefined || !fact) return red(`network:${wish.name}`, why ?? `${device} is not there`, hint)
  const addresses = (answers: boolean) =>
    wish.guests.filter((guest) => guest.answers === answers).flatMap((guest) => guest.addresses)
  const evidence = [
    `${device} ${fact.up ? 'up' : 'down'}, mtu ${fact.mtu}`,
    `answers for ${addresses(true).join(', ') || 'nobody'}`,
    ...(addresses(false).length === 0 ? [] : [`not for ${addresses(false).join(', ')}`]),
  ].join('; ')
  return fact.up ? ok(`network:${wish.name}`, evidence) : red(`network:${wish.name}`, evidence, hint)
}

/** Of the networks that these guests have an address of. */
export function wishOf(
  { prefix4, prefix6 }: Pick<FarmRecord, 'prefix4' | 'prefix6'>,
  networks: readonly NetworkRecord[],
  guests: readonly GuestRecord[],
  trusted: ReadonlySet<string>,
): VlansWish {
  const farm = [prefix4, prefix6, meshPrefix4Of(prefix4), meshPrefix6Of(prefix6)]
  const wished = networks.flatMap(({ name, uplink, vlan, mtu, subnets }): VlanWish[] => {
    const members = guests.flatMap(({ number, spec }): VlanGuest[] => {
      const all = (spec.addresses ?? []).flatMap((each) => (each.network === name ? each.address : []))
      const [known = [], asked = []] = [true, false].map((is) => all.filter((address) => trusted.has(address) === is))
      const own = [ipv4Of(prefix4, number), ipv6Of(prefix6, number)]
      return [
        ...(known.length === 0 ? [] : [{ number, addresses: known, own, answers: true }]),
        // What it sends to the network bears one that is its own for certain.
        ...(asked.length === 0 ? [] : [{ number, addresses: asked, own: [], answers: false }]),
      ]
    })
    if (members.length === 0) return []
    return [{ name, uplink, vlan, subnets, guests: members, ...(mtu === undefined ? {} : { mtu }) }]
  })
  return { farm, networks: wished }
}
