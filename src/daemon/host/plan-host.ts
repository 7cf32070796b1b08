/** What differs between wish and fact on this host, as steps: guests, firewall, and what lies there without a record. */
import type { PlannedStep } from '../../api/resources.ts'
import { linkOf } from '../../plan/addresses.ts'
import { describeStep } from '../../plan/guest.ts'
import type { VolumeRecord } from '../records/app-records.ts'
import { keys } from '../records/keys.ts'
import { awaitedNumbers, awaitedVolumes } from '../records/moves.ts'
import { type GuestRecord, readAll, type TemplateRecord } from '../records/records.ts'
import { planForGuest } from './guest-pass.ts'
import type { HostLoop } from './loop.ts'
import { ownerOf } from './manifest.ts'
import type { HostParts } from './parts.ts'

export async function planHost(parts: HostParts, shared: Pick<HostLoop, 'gate' | 'edge'>): Promise<PlannedStep[]> {
  const guests = (await readAll<GuestRecord>(parts.store, keys.guests(parts.host.name))).map(({ value }) => value)
  const steps: PlannedStep[] = []
  for (const guest of guests) {
    const planned = await planForGuest(parts, shared, guest.number)
    steps.push(...planned.map((step) => ({ what: guest.name, step: step.do, detail: describeStep(step) })))
  }
  if (!(await parts.firewall.intact()))
    steps.push({
      what: 'firewall',
      step: 'reconcile',
      detail: 'the kernel’s rules are not what croft wrote: write them anew',
    })
  return [...steps, ...(await listAway(parts)), ...(await listOrphans(parts))]
}

/** What lies on a pool that is away is neither missed nor adopted. */
async function listAway({ pools }: HostParts): Promise<PlannedStep[]> {
  const states = await Promise.all(pools.names.map(async (name) => ({ name, ...(await pools.state(name)) })))
  return states
    .filter(({ mounted }) => !mounted)
    .map(({ name }) => ({ what: `pool ${name}`, step: 'mount', detail: pools.whyAway(name) }))
}

/** Reported, adopted on request, never deleted. */
export async function listOrphans(parts: HostParts): Promise<PlannedStep[]> {
  const guests = await readAll<GuestRecord>(parts.store, keys.guests(parts.host.name))
  const known = new Map(guests.map(({ value }) => [value.number, value]))
  const templates = new Set((await readAll<TemplateRecord>(parts.store, keys.templates)).map(({ value }) => value.id))
  const volumes = new Set([
    ...(await readAll<VolumeRecord>(parts.store, keys.volumes(parts.host.name))).map(({ value }) => value.id),
    ...(await awaitedVolumes(parts.store, parts.host.name)),
  ])
  const found: PlannedStep[] = []
  const moving = await awaitedNumbers(parts.store, parts.host.name)
  for (const pool of parts.pools.names) {
    if (!(await parts.pools.state(pool)).mounted) continue
    const inventory = await parts.storage(pool).inventory()
    for (const { number, roots, manifest } of inventory.guests) {
      const record = known.get(number)
      if (moving.has(number)) continue
      if (!record) found.push(orphan(`guest ${number}`, `its disk lies on pool ${pool} without a record`))
      else if (roots.length > 0 && (record.spec.pool !== pool || (ownerOf(manifest) ?? record.id) !== record.id))
        found.push(
          orphan(`guest ${number}`, `the disk of another guest lies on pool ${pool}; remove ${record.name} first`),
        )
    }
    for (const { id } of inventory.templates)
      if (!templates.has(id)) found.push(orphan(`template ${id}`, `it lies on pool ${pool} without a record`))
    for (const { id, manifest } of inventory.volumes)
      if (!volumes.has(id)) found.push(leftVolume(id, parts.storage(pool).path({ kind: 'volume', id }), manifest))
  }
  for (const { number, state } of await parts.runtime.list())
    if (!known.has(number) && !moving.has(number))
      found.push(orphan(`guest ${number}`, `LXC knows it (${state}), croft does not`))
  for (const link of await parts.network.links())
    if (!known.has(link.number) && !moving.has(link.number))
      found.push(orphan(link.name, `a link of no guest (${linkOf(link.number)})`))
  return found
}

/** Nothing takes it in or away: whose it is only people know. */
function leftVolume(id: string, path: string, manifest: unknown): PlannedStep {
  const { site, name } = Object(manifest) as Partial<VolumeRecord>
  const whose = typeof site === 'string' && typeof name === 'string' ? `data "${name}" of ${site}` : 'data of a site'
  return { what: `volume ${id}`, step: 'orphan', detail: `${whose} lies in ${path} without a record, and stays there` }
}

const orphan = (what: string, why: string): PlannedStep => ({
  what,
  step: 'orphan',
  detail: `${why}; take it in with: croft host apply --adopt`,
})
