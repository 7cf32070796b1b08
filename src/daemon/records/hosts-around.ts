/** What the hosts of the farm live by: led to a guest, a host would lose its network, its store, or be spoken for. */
import { CroftError } from '../../api/errors.ts'
import type { Surroundings } from '../../drivers/network/driver.ts'
import { cloudAddresses, meshPrefix4Of, meshPrefix6Of } from '../../plan/addresses.ts'
import { contains, parseRange } from '../../plan/firewall/ranges.ts'
import type { Taken } from '../../plan/networks.ts'
import { type Daemon, getFarm } from '../daemon.ts'
import { withoutPort } from '../near.ts'
import { keys } from './keys.ts'
import { type FactsRecord, type FarmRecord, type HostRecord, read, readAll } from './records.ts'

interface Around {
  /** No network of the site holds one of these, and no guest has one. */
  readonly own: readonly Taken[]
  readonly links: readonly Taken[]
  readonly needs: readonly Taken[]
}

/** By the records of all, and by a look at this host: what has changed here counts at once. */
async function readAround(daemon: Daemon): Promise<Around> {
  const { parts } = getFarm(daemon)
  const [farm, hosts, facts, here] = await Promise.all([
    read<FarmRecord>(daemon.store, keys.farm),
    readAll<HostRecord>(daemon.store, keys.hosts),
    readAll<FactsRecord>(daemon.store, keys.allFacts),
    parts.network.surroundings(),
  ])
  const told = new Map(facts.map(({ key, value }) => [key.slice(keys.allFacts.length), value.around]))
  told.set(parts.host.name, here)
  const each = hosts.map(({ value }) => aroundOf(value, told.get(value.name)))
  const { prefix4, prefix6 } = parts.farm
  const edge = farm?.value.edge?.addresses ?? []
  return {
    own: [
      ...named([prefix4, prefix6], 'the farm’s own'),
      ...named([meshPrefix4Of(prefix4), meshPrefix6Of(prefix6)], 'the hosts’ own network'),
      ...named([...cloudAddresses.v4, ...cloudAddresses.v6], 'where a cloud tells hosts who they are'),
      ...named(edge, 'an address of the farm’s edge'),
      ...each.flatMap(({ own }) => own),
    ],
    links: each.flatMap(({ links }) => links),
    needs: each.flatMap(({ needs }) => needs),
  }
}

function aroundOf({ name, address, mesh }: HostRecord, { links, needs }: Surroundings = { links: [], needs: [] }) {
  const own = [...[address, mesh?.endpoint].flatMap(withoutPort), ...links.flatMap((each) => each.split('/')[0] ?? '')]
  return {
    own: named(own, `an address of host ${name}`),
    links: named(links, `a network that host ${name} is in`),
    needs: named(needs, `the way out or the name server of host ${name}`),
  }
}

const named = (ranges: readonly string[], whose: string): Taken[] => ranges.map((range) => ({ range, whose }))

/** What no network of the site may overlap. */
export async function readHostsNetworks(daemon: Daemon): Promise<readonly Taken[]> {
  const { own, links } = await readAround(daemon)
  return [...own, ...links]
}

/** EXISTS, for root as well: nothing good comes of it. */
export async function assertNoHosts(daemon: Daemon, address: string): Promise<void> {
  const wanted = parseRange(address)
  const { own, needs } = await readAround(daemon)
  for (const { range, whose } of [...own, ...needs]) {
    const taken = parseRange(range)
    if (wanted && taken && contains(taken, wanted))
      throw new CroftError('EXISTS', `${address} is ${range === address ? whose : `in ${range}, ${whose}`}`, {
        hint: 'croft host ls; ip address; ip route',
      })
  }
}
