/** The walk of a replica on the host that has the guest: each round looks at both sides, and does the next step. */
import type { Ref } from '../../drivers/storage/driver.ts'
import { dueAt, planReplica, type ReplicaStep, type ReplicaView, replicaPass } from '../../plan/replica.ts'
import { pause, timestamp } from '../env.ts'
import type { HostParts } from '../host/parts.ts'
import { askJson } from '../moves/ask.ts'
import { mostSince } from '../moves/bounds.ts'
import { lookThere, sendDisk } from '../moves/send.ts'
import { ownSnapshots } from '../moves/snapshots.ts'
import { isTemplateComing } from '../moves/template-comes.ts'
import type { GuestRecord } from '../records/records.ts'
import {
  findReplica,
  guestOfReplica,
  lastOf,
  type ReplicaPair,
  type ReplicaStatus,
  replicaGoal,
  timingOf,
  writeStatus,
} from '../records/replicas.ts'

const awaitMs = 300
const pruneMs = 60_000

export interface Walk {
  readonly parts: HostParts
  /** Somebody wants it no more, its guest is on its way, or the daemon ends. */
  readonly signal: AbortSignal
  awaitsSince?: number
}

interface Place {
  readonly number: number
  readonly host: string
}

/** Returns when nothing is left to do now. Throws what stands in its way: to be tried again. */
export async function walkReplica(walk: Walk, place: Place): Promise<void> {
  const { parts, signal } = walk
  for (;;) {
    signal.throwIfAborted()
    const pair = await findReplica(parts.store, place)
    if (!pair || pair.record.value.deleting || pair.record.value.from !== parts.host.name) return
    const guest = await guestOfReplica(parts.store, pair.record.value)
    if (!guest || guest.value.deleting || guest.value.moving) return
    const step = planReplica(await view(walk, pair, guest.value))
    if (!step) return
    parts.failpoint(`replica.${step.do}.before`)
    await (handlers[step.do] as Handler)(walk, { pair, guest: guest.value }, step)
    parts.failpoint(`replica.${step.do}.after`)
  }
}

async function view(walk: Walk, pair: ReplicaPair, guest: GuestRecord): Promise<ReplicaView> {
  const { parts } = walk
  const { number, spec } = guest
  const { id, from, host: to } = pair.record.value
  const storage = parts.storage(spec.pool)
  const [there, here, { wanted, ready }] = await Promise.all([
    lookThere(parts, { from, to, number }),
    storage.holdings(number),
    ownSnapshots(parts.store, { from, number }),
  ])
  const source = spec.root.from
  const common =
    source.kind === 'template' && there.template && (await storage.exists({ kind: 'template', id: source.id }))
  const now = parts.env.now()
  return {
    ...{ id, last: lastOf(pair), here: here.snapshots, there: there.snapshots },
    template: common ? source.id : undefined,
    templateComes: !there.template && (await isTemplateComing(walk, guest)),
    snapshots: ready.map((snapshot) => ({ id: snapshot.id, at: Date.parse(snapshot.created) })),
    wanted: wanted.map((snapshot) => snapshot.id),
    due: dueAt(timingOf(pair), now) <= now,
  }
}

interface Both {
  readonly pair: ReplicaPair
  readonly guest: GuestRecord
}
type Handler = (walk: Walk, both: Both, step: ReplicaStep) => Promise<void>
type Handlers = {
  [K in ReplicaStep['do']]: (walk: Walk, both: Both, step: Extract<ReplicaStep, { do: K }>) => Promise<void>
}

const handlers: Handlers = {
  await: ({ parts }) => pause(parts.env, awaitMs),

  /** How much it was died with the daemon that sent it. */
  async keep({ parts }, both, { id }) {
    await tellDone(parts, both, { disk: id, bytes: 0, tookMs: 0 })
  },

  async clear({ parts }, { pair, guest: { number, spec } }, { here, there }) {
    const storage = parts.storage(spec.pool)
    for (const id of here) await storage.remove({ kind: 'snapshot', number, id })
    if (there.length > 0) await pruneThere(parts, pair, there)
  },

  async send(walk, both, { id, parent }) {
    await sendThere(walk, both, { id, parent })
  },

  async pass(walk, both, { parent }) {
    const { parts } = walk
    const { record } = both.pair
    const { number, spec } = both.guest
    const storage = parts.storage(spec.pool)
    const began = parts.env.monotonicMs()
    const id = replicaPass(record.value.id, parts.env.now())
    const root: Ref = { kind: 'root', number, id: spec.root.id }
    await storage.clone(root, { kind: 'snapshot', number, id }, { readOnly: true })
    parts.failpoint('replica.take.after')
    const bytes = await sendThere(walk, both, { id, parent })
    parts.failpoint('replica.send.after')
    const tookMs = Math.round(parts.env.monotonicMs() - began)
    await tellDone(parts, both, { disk: id, bytes, tookMs })
  },
}

const tellDone = (
  { store, env }: HostParts,
  { pair: { record }, guest }: Both,
  last: NonNullable<ReplicaStatus['last']>,
) => writeStatus(store, record, { id: record.value.id, name: guest.name, at: timestamp(env), last })

async function sendThere(
  { parts, signal }: Walk,
  { pair, guest }: Both,
  { id, parent }: Pick<Extract<ReplicaStep, { do: 'send' }>, 'id' | 'parent'>,
): Promise<number> {
  const { number, host: to, id: replica, rate } = pair.record.value
  const way = { to, rate, path: `/v1/peers/replicas/${number}/disks/${id}`, goal: replicaGoal(replica) }
  const from: Ref | undefined =
    parent && (parent.kind === 'template' ? { ...parent, kind: 'template' } : { ...parent, kind: 'snapshot', number })
  const disk: Ref = { kind: 'snapshot', number, id }
  const mostBytes = mostSince(guest.spec.limits.diskBytes)
  return sendDisk(parts, way, { pool: guest.spec.pool, disk, parent: from, mostBytes, signal })
}

const pruneThere = (parts: HostParts, { record }: ReplicaPair, disks: readonly string[]): Promise<unknown> =>
  askJson(parts, record.value.host, {
    method: 'POST',
    path: `/v1/peers/replicas/${record.value.number}/prune`,
    body: JSON.stringify({ disks }),
    deadlineMs: pruneMs,
  })
