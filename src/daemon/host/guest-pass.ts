/** One pass over one guest: look, plan, execute, report. Never two at once for one guest; no retries inside. */
import { isCode, toCroftError } from '../../api/errors.ts'
import type { GuestState } from '../../api/guest.ts'
import { linkOf } from '../../plan/addresses.ts'
import { describeStep, type HaveGuest, planGuest, type Step, type WantedGuest } from '../../plan/guest.ts'
import { strandsOf } from '../../plan/guest-order.ts'
import type { HaveVolumes, WantedVolume } from '../../plan/guest-volumes.ts'
import { mayTry, noFailures } from '../../plan/retry.ts'
import type { GuestRecord } from '../records/records.ts'
import { findSources } from '../records/template-sources.ts'
import { definitionOf } from './definition.ts'
import { executeStep, type GuestWork } from './execute.ts'
import {
  fail,
  finishSnapshots,
  freshMemory,
  type GuestMemory,
  noticeDeath,
  type PassEnd,
  realReason,
  report,
  waiting,
} from './guest-report.ts'
import type { HostLoop } from './loop.ts'
import { ownerOf } from './manifest.ts'
import type { HostParts } from './parts.ts'
import { poolOfVolumes } from './volume-loop.ts'
import { readWishes, type Wishes } from './wishes.ts'

/** What all guests of a host share. */
type Shared = Pick<HostLoop, 'gate' | 'edge'>

export async function passGuest(
  parts: HostParts,
  shared: Shared,
  number: number,
  memory: GuestMemory,
): Promise<PassEnd> {
  const wishes = await readWishes(parts.store, parts.host.name, number)
  if (!wishes) return { end: 'gone' }
  const generation = wishes.guest.value.generation
  if (memory.attempts.generation !== generation) memory.attempts = noFailures(generation)
  const now = parts.env.monotonicMs()
  try {
    const { work, want } = await prepare(parts, shared, wishes)
    const have = await observe(parts, work, wishes, memory, now)
    noticeDeath(parts, wishes, have, memory, now)
    const waitMs = want.deleting ? 0 : mayTry(memory.attempts, now)
    if (waitMs !== 0) return waiting(parts, wishes, memory, waitMs)
    const steps = planGuest(want, have)
    if (await awaitsTemplate(parts, work, steps)) {
      memory.phase = 'creating'
      return { end: 'waiting', forMs: templateMs, for: 'template' }
    }
    await run(parts, work, steps, memory)
    if (have.poolAway === undefined) await finishSnapshots(parts, wishes)
    if (want.deleting) return { end: 'gone' }
    return await report(parts, wishes, steps, have, memory)
  } catch (thrown) {
    const error = await realReason(parts, number, memory, toCroftError(thrown))
    return fail(parts, wishes, memory, error)
  }
}

/** What a pass would do now, or if the record were `next`; nothing is changed. */
export async function planForGuest(
  parts: HostParts,
  shared: Shared,
  number: number,
  next?: GuestRecord,
): Promise<Step[]> {
  const found = await readWishes(parts.store, parts.host.name, number)
  if (!found) return []
  const wishes = next ? { ...found, guest: { ...found.guest, value: next } } : found
  const memory = freshMemory()
  const { work, want } = await prepare(parts, shared, wishes)
  return planGuest(want, await observe(parts, work, wishes, memory, parts.env.monotonicMs()))
}

async function prepare(
  parts: HostParts,
  { gate, edge }: Shared,
  wishes: Wishes,
): Promise<{ work: GuestWork; want: WantedGuest }> {
  const guest = wishes.guest.value
  const storage = parts.storage(guest.spec.pool)
  const path = storage.path({ kind: 'root', number: guest.number, id: guest.spec.root.id })
  const device = guest.spec.limits.diskRate === undefined ? undefined : await unlessAway(storage.blockDevice())
  const mtu = parts.mesh.packetSize((await parts.network.uplink()).mtu)
  const volumes = parts.storage(poolOfVolumes)
  const definition = definitionOf(
    guest,
    parts.farm,
    { uidBase: parts.host.uidBase, mtu },
    { path, device, volume: (id) => volumes.path({ kind: 'volume', id }) },
  )
  const snapshots = wishes.snapshots.map(({ record: { value }, status }) => ({
    id: value.id,
    name: value.name,
    rootId: value.rootId,
    deleting: value.deleting === true,
    taken: status?.state === 'ready',
    lost: status?.state === 'lost',
  }))
  return {
    work: { number: guest.number, wishes, definition, storage, gate, edge },
    want: {
      ...{ number: guest.number, id: guest.id },
      deleting: guest.deleting === true,
      spec: guest.spec,
      definition: parts.runtime.hash(definition),
      snapshots,
      volumes: (guest.spec.volumes ?? []).map(({ id }) => wantedVolume(id, wishes)),
    },
  }
}

function wantedVolume(id: string, { volumes }: Wishes): WantedVolume {
  const known = volumes.find(({ record }) => record.id === id)
  return { id, sizeBytes: known?.record.sizeBytes, made: known?.made ?? false }
}

async function haveVolumes(parts: HostParts, { guest }: Wishes): Promise<HaveVolumes> {
  const storage = parts.storage(poolOfVolumes)
  const found: Record<string, { limitBytes: number | null }> = {}
  for (const { id } of guest.value.spec.volumes ?? []) {
    const usage = await storage.usage({ kind: 'volume', id })
    if (usage) found[id] = { limitBytes: usage.limitBytes }
  }
  return found
}

async function observe(
  parts: HostParts,
  work: GuestWork,
  wishes: Wishes,
  memory: GuestMemory,
  now: number,
): Promise<HaveGuest> {
  const { number, storage, edge } = work
  const seen = await parts.runtime.observe(number)
  const disks = await unlessAway(storage.holdings(number))
  const rootId = wishes.guest.value.spec.root.id
  const usage = disks?.roots.includes(rootId) ? await storage.usage({ kind: 'root', number, id: rootId }) : undefined
  const state = seen === undefined || seen.state === 'stopping' ? 'stopped' : seen.state
  return {
    state,
    definition: seen?.definition,
    ...(disks ?? { roots: [], snapshots: [], poolAway: parts.pools.whyAway(wishes.guest.value.spec.pool) }),
    owner: ownerOf(disks?.manifest),
    diskLimit: usage?.limitBytes,
    fromLoopback: state === 'stopped' ? undefined : await parts.network.isReachableFromLoopback(linkOf(number)),
    rootId: wishes.status?.rootId,
    restarts: wishes.status?.restarts ?? 0,
    seed: wishes.status?.seed,
    volumes: disks === undefined ? {} : await haveVolumes(parts, wishes),
    askedToStopMsAgo: memory.askedToStopAt === undefined ? undefined : now - memory.askedToStopAt,
    askedAgainMsAgo: memory.askedAgainAt === undefined ? undefined : now - memory.askedAgainAt,
    served: edge.leadsTo(number),
  }
}

const templateMs = 1000

/** Another host has it; this one brings it for its first guest. */
async function awaitsTemplate(parts: HostParts, { storage }: GuestWork, steps: readonly Step[]): Promise<boolean> {
  const clone = steps.find((step) => step.do === 'cloneRoot')
  if (clone?.from.kind !== 'template' || !parts.peers) return false
  const { id } = clone.from
  if (await storage.exists({ kind: 'template', id })) return false
  return (await findSources(parts, id)).length > 0
}

/** Undefined when the pool is not mounted. */
async function unlessAway<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked
  } catch (thrown) {
    if (isCode(thrown, 'POOL_MISSING')) return undefined
    throw thrown
  }
}

async function run(parts: HostParts, work: GuestWork, steps: readonly Step[], memory: GuestMemory): Promise<void> {
  for (const group of strandsOf(steps)) await allDone(group.map((strand) => runInOrder(parts, work, strand, memory)))
}

/** Fails when all have ended, not before: a pass that still works in the back would meet the next one. */
async function allDone(works: readonly Promise<void>[]): Promise<void> {
  for (const end of await Promise.allSettled(works)) if (end.status === 'rejected') throw end.reason
}

async function runInOrder(
  parts: HostParts,
  work: GuestWork,
  steps: readonly Step[],
  memory: GuestMemory,
): Promise<void> {
  for (const step of steps) {
    remember(parts, step, memory)
    parts.operations.note({ kind: 'guest', number: work.number }, describeStep(step))
    parts.failpoint(`${step.do}.before`)
    await executeStep(parts, work, step)
    parts.failpoint(`${step.do}.after`)
    if (step.do === 'start') memory.startedAt = parts.env.monotonicMs()
  }
}

function remember(parts: HostParts, step: Step, memory: GuestMemory): void {
  if (step.do === 'askToStop') {
    memory.askedAgainAt = memory.askedToStopAt === undefined ? undefined : parts.env.monotonicMs()
    memory.askedToStopAt ??= parts.env.monotonicMs()
  }
  if (step.do === 'kill') memory.startedAt = undefined
  const phases: Partial<Record<Step['do'], GuestState>> = {
    cloneRoot: 'creating',
    start: 'starting',
    askToStop: 'stopping',
    kill: 'stopping',
    forget: 'removing',
  }
  memory.phase = phases[step.do] ?? memory.phase
}
