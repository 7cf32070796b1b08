/** The farm's door to the outside, and its certificates. */
import type { z } from 'zod'
import type { Door, FarmChange } from '../../../api/door.ts'
import { CroftError } from '../../../api/errors.ts'
import type { Farm, PlannedStep } from '../../../api/resources.ts'
import { type Daemon, getFarm } from '../../daemon.ts'
import { assertRevision, type Change, commit } from '../../records/change.ts'
import { applyEdgeChange, differences, moveEdge } from '../../records/edge-settings.ts'
import { keys } from '../../records/keys.ts'
import { type FarmRecord, type Held, read } from '../../records/records.ts'
import type { Handlers } from '../handler.ts'
import { shownFarm } from './farm.ts'

type FarmChanges = z.output<typeof FarmChange>

export const handlers = {
  getFarm: (daemon) => viewFarm(daemon),

  /** The door is opened first: where that fails nothing was changed. */
  async changeFarm(daemon, { body, query, caller }) {
    const first = await getFarmRecord(daemon)
    assertRevision(query, first.revision, 'farm')
    const decide = () => decideFarm(daemon, body)
    if (query.dryRun) return { operation: null, result: null, steps: farmSteps(await decide()) }
    const { listen: at } = changedFarm(first.value, body)
    await daemon.outside.listen(at)
    try {
      await commit(daemon, caller, query, decide)
    } catch (thrown) {
      await daemon.outside.listen(first.value.listen)
      throw thrown
    }
    // Of several who changed it at once the last one counts.
    await daemon.outside.listen((await getFarmRecord(daemon)).value.listen)
    const { gate, edge } = getFarm(daemon).loop
    if (body.edge !== undefined) await Promise.all([gate.refresh(), edge.refresh()])
    return { operation: null, result: await viewFarm(daemon) }
  },
} satisfies Partial<Handlers>

async function viewFarm(daemon: Daemon): Promise<Farm & { readonly door: Door }> {
  return { ...shownFarm((await getFarmRecord(daemon)).value), door: daemon.outside.door() }
}

async function decideFarm(daemon: Daemon, change: FarmChanges): Promise<Change> {
  const { key, revision, value } = await getFarmRecord(daemon)
  const after = changedFarm(value, change)
  const same = JSON.stringify(after) === JSON.stringify(value)
  const edge = change.edge === undefined ? nothing : await moveEdge(daemon, value.edge, after.edge)
  return {
    ...{ kind: 'farm', name: value.name, verb: 'set', before: value, after },
    compare: [{ key, revision }, ...edge.compare],
    writes: same ? [] : [{ put: key, value: after }, ...edge.writes],
  }
}
const nothing = { compare: [], writes: [] }

function changedFarm(farm: FarmRecord, { listen, edge = {} }: FarmChanges): FarmRecord {
  const { listen: had, edge: settings, ...rest } = farm
  const at = listen === undefined ? had : (listen ?? undefined)
  const next = applyEdgeChange(settings, edge)
  return {
    ...rest,
    ...(at === undefined ? {} : { listen: at }),
    ...(Object.keys(next).length === 0 ? {} : { edge: next }),
  }
}

function farmSteps({ name, before, after }: Change): PlannedStep[] {
  const [old, next] = [before, after] as [FarmRecord, FarmRecord]
  const door: PlannedStep = {
    ...{ what: name, step: next.listen === undefined ? 'shut' : 'listen' },
    detail: next.listen ?? 'no door to the outside',
  }
  const edge = differences(name, old.edge ?? {}, next.edge ?? {})
  return old.listen === next.listen ? edge : [door, ...edge]
}

async function getFarmRecord(daemon: Daemon): Promise<Held<FarmRecord>> {
  const found = await read<FarmRecord>(daemon.store, keys.farm)
  if (found) return found
  throw new CroftError('NOT_INITIALISED', 'this host has no farm yet', { hint: 'croft init' })
}
