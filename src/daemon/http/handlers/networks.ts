/** Networks of the site on VLANs: records that every host goes by which has a guest there. */

import { isIPv6 } from 'node:net'
import { CroftError } from '../../../api/errors.ts'
import type { Network } from '../../../api/network.ts'
import { assertApart, memberAddress, subnetsOf } from '../../../plan/networks.ts'
import { type Daemon, getFarm } from '../../daemon.ts'
import { publicAddress } from '../../records/addresses.ts'
import { assertRevision, type Change, commit } from '../../records/change.ts'
import { differences } from '../../records/edge-settings.ts'
import { readFarmGuests } from '../../records/farm-guests.ts'
import { changeSpec } from '../../records/guest-spec.ts'
import { readHostsNetworks } from '../../records/hosts-around.ts'
import { keys } from '../../records/keys.ts'
import { warnOfUplink } from '../../records/network-hosts.ts'
import { getNetwork, type NetworkRecord, readNetworks, withMemberships } from '../../records/networks.ts'
import { type GuestRecord, read, schemaVersion } from '../../records/records.ts'
import type { Handlers } from '../handler.ts'

export const handlers = {
  async listNetworks(daemon): Promise<Network[]> {
    const { parts } = getFarm(daemon)
    const { prefix4, prefix6 } = parts.farm
    const { uplink, mtu } = await parts.network.uplink()
    const own: Network = { name: 'default', kind: 'routed', prefix4, prefix6, uplink, mtu }
    const [networks, guests] = [await readNetworks(daemon.store), await readFarmGuests(daemon.store)]
    return [
      own,
      ...networks.map((network) =>
        viewOf(
          network,
          guests.map(({ value }) => value),
        ),
      ),
    ]
  },

  async addNetwork(daemon, { body, query, caller }) {
    const { name, vlan, uplink, subnet, gateway, mtu } = body
    const key = keys.network(name)
    const subnets = subnetsOf(subnet, gateway)
    const value: NetworkRecord = {
      schema: schemaVersion,
      name,
      vlan,
      uplink,
      subnets,
      ...(mtu === undefined ? {} : { mtu }),
    }
    const decide = async (): Promise<Change> => {
      if (await read(daemon.store, key))
        throw new CroftError('EXISTS', `there is a network "${name}"`, { hint: `croft network set ${name}` })
      await assertFits(daemon, value)
      const change = { kind: 'network', name, verb: 'create', before: null, after: viewOf(value) }
      return { ...change, compare: [{ key, revision: 0 }], writes: [{ put: key, value }] }
    }
    const told = await warnOfUplink(daemon, value)
    if (query.dryRun) return { ...planned(await decide()), ...told }
    await commit(daemon, caller, query, decide)
    return { operation: null, result: viewOf(value), ...told }
  },

  async changeNetwork(daemon, { params: { network: name }, body, query, caller }) {
    const decide = async (): Promise<Change> => {
      const { key, revision, value } = await getNetwork(daemon, name)
      assertRevision(query, revision, `network ${name}`)
      const after = changed(value, body)
      await assertFits(daemon, after)
      const same = JSON.stringify(after) === JSON.stringify(value)
      return {
        ...{ kind: 'network', name, verb: 'set', before: viewOf(value), after: viewOf(after) },
        ...{ compare: [{ key, revision }], writes: same ? [] : [{ put: key, value: after }] },
      }
    }
    const { uplink } = body
    const told = uplink === undefined ? {} : await warnOfUplink(daemon, { name, uplink })
    if (query.dryRun) return { ...planned(await decide()), ...told }
    await commit(daemon, caller, query, decide)
    return { operation: null, result: viewOf((await getNetwork(daemon, name)).value), ...told }
  },

  async removeNetwork(daemon, { params: { network: name }, query, caller }) {
    const decide = async (): Promise<Change> => {
      const { key, revision, value } = await getNetwork(daemon, name)
      assertRevision(query, revision, `network ${name}`)
      const [first, ...more] = (await membersOf(daemon)).filter(({ network }) => network === name)
      if (first)
        throw new CroftError(
          'IN_USE',
          `${first.guest}${more.length > 0 ? ' and others have' : ' has'} an address of network ${name}`,
          {
            hint: `croft network detach ${name} ${first.guest}`,
          },
        )
      const change = { kind: 'network', name, verb: 'rm', before: viewOf(value), after: null }
      return { ...change, compare: [{ key, revision }], writes: [{ delete: key }] }
    }
    if (query.dryRun) return planned(await decide())
    await commit(daemon, caller, query, decide)
    return { operation: null, result: null }
  },

  async joinNetwork(daemon, { params, body, query, caller }) {
    const answer = await changeSpec(
      daemon,
      { name: params.guest, verb: 'network attach', query, caller },
      async (spec) => {
        const has = (spec.addresses ?? []).some(({ network }) => network === body.network)
        if (has && body.addresses.length === 0) return spec
        return { ...spec, addresses: await withMemberships(daemon, spec, [body]) }
      },
    )
    await getFarm(daemon).loop.gate.refresh()
    return answer
  },

  async leaveNetwork(daemon, { params, query, caller }) {
    const answer = await changeSpec(daemon, { name: params.guest, verb: 'network detach', query, caller }, (spec) => {
      const left = (spec.addresses ?? []).filter(({ network }) => network !== params.network)
      if (left.length === (spec.addresses ?? []).length)
        throw new CroftError('NOT_FOUND', `${params.guest} has no address of network "${params.network}"`, {
          hint: 'croft address ls',
        })
      return { ...spec, addresses: left }
    })
    await getFarm(daemon).loop.gate.refresh()
    return answer
  },
} satisfies Partial<Handlers>

/** Beside other networks, the farm's own, and what guests have already. */
async function assertFits(daemon: Daemon, network: NetworkRecord): Promise<void> {
  assertApart(network, await readNetworks(daemon.store), await readHostsNetworks(daemon))
  for (const { address, guest, network: of } of await membersOf(daemon)) {
    if (of === network.name) memberAddress(network, address)
    else if (of === undefined && isIn(network, address))
      throw new CroftError('EXISTS', `${address} is a public address of guest "${guest}"`, {
        hint: `croft address rm ${address}`,
      })
  }
}

function isIn(network: NetworkRecord, address: string): boolean {
  try {
    memberAddress(network, publicAddress(address))
    return true
  } catch {
    return false
  }
}

async function membersOf({ store }: Daemon) {
  const guests = await readFarmGuests(store)
  return guests.flatMap(({ value }) => (value.spec.addresses ?? []).map((each) => ({ ...each, guest: value.name })))
}

type Changes = Parameters<NonNullable<(typeof handlers)['changeNetwork']>>[1]['body']

function changed(value: NetworkRecord, { vlan, uplink, subnet, gateway, mtu }: Changes): NetworkRecord {
  const { mtu: hadMtu, ...rest } = value
  const nextMtu = mtu === undefined ? hadMtu : (mtu ?? undefined)
  const gateways = gateway === undefined ? value.subnets.flatMap((each) => each.gateway ?? []) : (gateway ?? [])
  const subnets = subnet === undefined ? value.subnets.map((each) => each.subnet) : subnet
  return {
    ...rest,
    ...(vlan === undefined ? {} : { vlan }),
    ...(uplink === undefined ? {} : { uplink }),
    subnets: subnetsOf(subnets, gateways),
    ...(nextMtu === undefined ? {} : { mtu: nextMtu }),
  }
}

function viewOf({ name, vlan, uplink, subnets, mtu }: NetworkRecord, guests: readonly GuestRecord[] = []): Network {
  const prefix = (six: boolean) =>
    subnets.find(({ subnet }) => isIPv6(subnet.split('/')[0] ?? '') === six)?.subnet ?? null
  const members = guests.filter(({ spec }) => (spec.addresses ?? []).some(({ network }) => network === name))
  return {
    ...{ name, kind: 'vlan', prefix4: prefix(false), prefix6: prefix(true), uplink, mtu: mtu ?? null, vlan },
    gateways: subnets.flatMap(({ gateway }) => gateway ?? []),
    guests: members.map((guest) => guest.name).sort(),
  }
}

const planned = ({ name, verb, before, after }: Change) => ({
  ...{ operation: null, result: null },
  steps:
    verb === 'set'
      ? differences(name, before as object, after as object)
      : [{ what: name, step: verb, detail: 'network' }],
})
