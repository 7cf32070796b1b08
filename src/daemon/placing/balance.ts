/** Proposals of moves, on what the store tells of guests and hosts. */
import type { Proposal } from '../../api/placement.ts'
import { type BalanceGuest, proposeMoves } from '../../plan/balance.ts'
import type { Daemon } from '../daemon.ts'
import { keys } from '../records/keys.ts'
import { type GuestRecord, readAll } from '../records/records.ts'
import { askFor, readPlacementHosts } from './sight.ts'

export async function proposeBalance(daemon: Daemon): Promise<Proposal[]> {
  const [hosts, records] = await Promise.all([
    readPlacementHosts(daemon),
    readAll<GuestRecord>(daemon.store, keys.allGuests),
  ])
  const guests = await Promise.all(records.map(({ value }) => sightOf(daemon, value)))
  return proposeMoves(hosts, guests)
}

async function sightOf(daemon: Daemon, { name, host, spec, deleting }: GuestRecord): Promise<BalanceGuest> {
  const template = spec.root.from.kind === 'template' ? { template: spec.root.from.id } : {}
  // Instances are spread by their site; a folder of the host goes nowhere.
  const stays = deleting === true || spec.part !== undefined || (spec.mounts ?? []).length > 0
  return { name, host, stays, ask: await askFor(daemon, { spec, ...template, guest: { name, host } }) }
}
