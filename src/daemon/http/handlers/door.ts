/** The farm's door to the outside, and its certificates. */
import { isIP } from 'node:net'
import type { z } from 'zod'
import type { Door, FarmChange } from '../../../api/door.ts'
import { CroftError } from '../../../api/errors.ts'
import type { Farm, PlannedStep } from '../../../api/resources.ts'
import { doorOf } from '../../../plan/host-door.ts'
import { getFarm, type WholeDaemon } from '../../daemon.ts'
import { mayBeNear, nearHost } from '../../near.ts'
import { assertRevision, type Change, commit } from '../../records/change.ts'
import { applyEdgeChange, differences, moveEdge } from '../../records/edge-settings.ts'
import { moveDoor } from '../../records/host-door.ts'
import { keys } from '../../records/keys.ts'
import { type FarmRecord, type Held, type HostRecord, read } from '../../records/records.ts'
import { assertRoot, type Caller } from '../access.ts'
import type { Handlers } from '../handler.ts'
import { shownFarm } from './farm.ts'

type FarmChanges = z.output<typeof FarmChange>
type Decided = FarmChanges & { readonly acmeNear: boolean }

export const handlers = {
  getFarm: (daemon) => viewFarm(daemon),

  /** The door is opened first: where that fails nothing was changed. */
  async changeFarm(daemon, { body, query, caller }) {
    if (body.mesh === 'none') assertRoot(caller, 'the seal between the hosts is taken off', 'croft farm set mesh=none')
    const first = await getFarmRecord(daemon)
    assertRevision(query, first.revision, 'farm')
    const near = await nearOf(daemon, first.value, { body, caller })
    const change = { ...body, acmeNear: near.length > 0 }
    const decide = () => decideFarm(daemon, change)
    if (query.dryRun) return { operation: null, result: null, steps: farmSteps(await decide()) }
    const doorNow = async () => doorOf((await getFarmRecord(daemon)).value.listen, await ownAddress(daemon))
    if (body.listen !== undefined)
      await daemon.outside.listen(doorOf(body.listen ?? undefined, (await movedDoor(daemon, change)).address))
    try {
      await commit(daemon, caller, query, decide)
    } finally {
      // Of several who changed it at once the last one counts; where nothing was written, what was before.
      await daemon.outside.listen(await doorNow())
    }
    const { gate, edge } = getFarm(daemon).loop
    if (body.edge !== undefined) await Promise.all([gate.refresh(), edge.refresh()])
    return { operation: null, result: await viewFarm(daemon), ...(near.length > 0 ? { warnings: near } : {}) }
  },
} satisfies Partial<Handlers>

export async function viewFarm(daemon: WholeDaemon): Promise<Farm & { readonly door: Door }> {
  return { ...shownFarm((await getFarmRecord(daemon)).value), door: daemon.outside.door() }
}

/**
 * What a caller from afar has the host ask is not the host itself. Of root's own it is told.
 */
async function nearOf(
  daemon: WholeDaemon,
  farm: FarmRecord,
  { body, caller }: { readonly body: FarmChanges; readonly caller: Caller },
): Promise<string[]> {
  const { acmeDirectory: url, resolvers } = body.edge ?? {}
  const forbids = nearHost({ ...farm, hosts: getFarm(daemon).parts.elsewhere.hosts() })
  const hint = 'root on the host may say it'
  for (const server of resolvers ?? [])
    await mayBeNear(daemon.env, forbids, { what: 'resolvers', url: addressUrl(server), caller, hint })
  if (!url || !URL.canParse(url)) return []
  const near = await mayBeNear(daemon.env, forbids, { what: 'acme-directory', url, caller, hint })
  return near ? [`acme-directory: ${url} is on this host itself`] : []
}

/** `ADDRESS` or `ADDRESS:PORT` */
const addressUrl = (server: string): string => `dns://${isIP(server) === 6 ? `[${server}]` : server}`

const ownAddress = async (daemon: WholeDaemon): Promise<string | undefined> =>
  (await read<HostRecord>(daemon.store, keys.host(getFarm(daemon).parts.host.name)))?.value.address

/** Only who says where the farm listens moves it. */
async function movedDoor(
  daemon: WholeDaemon,
  { listen }: FarmChanges,
): Promise<Pick<Change, 'compare' | 'writes'> & { address?: string | undefined }> {
  if (listen === undefined) return nothing
  const own = getFarm(daemon).parts.host.name
  return moveDoor({ store: daemon.store, own, now: daemon.env.now() }, listen ?? undefined)
}

async function decideFarm(daemon: WholeDaemon, change: Decided): Promise<Change> {
  const { key, revision, value } = await getFarmRecord(daemon)
  const after = changedFarm(value, change)
  const same = JSON.stringify(after) === JSON.stringify(value)
  const edge = change.edge === undefined ? nothing : await moveEdge(daemon, value.edge, after.edge)
  const door = await movedDoor(daemon, change)
  return {
    ...{ kind: 'farm', name: value.name, verb: 'set', before: value, after },
    compare: [{ key, revision }, ...edge.compare, ...door.compare],
    writes: [...(same ? [] : [{ put: key, value: after }, ...edge.writes]), ...door.writes],
  }
}
const nothing = { compare: [], writes: [] }

function changedFarm(farm: FarmRecord, { listen, edge = {}, acmeNear, mesh }: Decided): FarmRecord {
  const { listen: had, edge: settings, ...rest } = farm
  const at = listen === undefined ? had : (listen ?? undefined)
  const next = applyEdgeChange(settings, edge, acmeNear || undefined)
  return {
    ...rest,
    ...(mesh === undefined ? {} : { mesh }),
    ...(at === undefined ? {} : { listen: at }),
    ...(Object.keys(next).length === 0 ? {} : { edge: next }),
  }
}

function farmSteps({ name, before, after, writes }: Change): PlannedStep[] {
  const [old, next] = [before, after] as [FarmRecord, FarmRecord]
  const door: PlannedStep = {
    ...{ what: name, step: next.listen === undefined ? 'shut' : 'listen' },
    detail: next.listen ?? 'no door to the outside',
  }
  const edge = differences(name, old.edge ?? {}, next.edge ?? {})
  const mesh = { what: name, step: 'mesh', detail: next.mesh ?? 'wireguard' }
  // A door that is only there for hosts goes with its address.
  const moves = old.listen !== next.listen || writes.some((each) => 'put' in each && each.put.startsWith(keys.hosts))
  return [...(moves ? [door] : []), ...(old.mesh === next.mesh ? [] : [mesh]), ...edge]
}

export async function getFarmRecord(daemon: WholeDaemon): Promise<Held<FarmRecord>> {
  const found = await read<FarmRecord>(daemon.store, keys.farm)
  if (found) return found
  throw new CroftError('NOT_INITIALISED', 'this host has no farm yet', { hint: 'croft init' })
}
