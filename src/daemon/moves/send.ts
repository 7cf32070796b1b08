/** What a host asks of the one that a guest moves to. */
import { CroftError, isCode } from '../../api/errors.ts'
import type { Landing, PeerLook } from '../../api/move.ts'
import type { Ref } from '../../drivers/storage/driver.ts'
import { pause } from '../env.ts'
import type { HostParts } from '../host/parts.ts'
import type { Goal } from '../operations/operations.ts'
import type { PeerRequest } from '../peers/peers.ts'
import type { MoveRecord } from '../records/moves.ts'
import { type Asking, askJson } from './ask.ts'
import { flow } from './flow.ts'
import { createStall, stallMs } from './stall.ts'
import { withTail } from './tail.ts'

const answerMs = 30_000
/** It has all and has not said so: its disk may be slow. */
const finishMs = 300_000
/** The command that reads the disk ends a moment after its stream. */
const ownReasonMs = 1000

export const lookThere = async (
  parts: Asking,
  { from, to, number }: Pick<MoveRecord, 'from' | 'to' | 'number'>,
): Promise<PeerLook> =>
  (await askJson(parts, to, {
    method: 'GET',
    path: `/v1/peers/guests/${from}/${number}`,
    deadlineMs: answerMs,
  })) as PeerLook

export const landThere = (parts: Asking, { to, number }: MoveRecord, landing: Landing): Promise<unknown> =>
  askJson(parts, to, {
    method: 'POST',
    path: `/v1/peers/moves/${number}/land`,
    body: JSON.stringify(landing),
    deadlineMs: answerMs,
  })

export interface Way {
  readonly to: string
  /** Of the route that takes it in. */
  readonly path: string
  /** Bytes in a second. */
  readonly rate?: number | undefined
  /** Whose progress it is. */
  readonly goal: Goal
}

export interface SentDisk {
  readonly pool: string
  readonly disk: Ref
  readonly parent?: Ref | undefined
  /** What was written to it at most since any parent. */
  readonly mostBytes?: number | undefined
  readonly signal: AbortSignal
}

/**
 * Returns how many bytes went. A hole that was made since the parent goes as zeros in a difference, and not at all in a whole
 * disk: a difference that grows past what the guest can have written is given up for the whole disk, once.
 */
export async function sendDisk(parts: HostParts, way: Way, { parent, mostBytes, ...whole }: SentDisk): Promise<number> {
  if (!parent) return sendOnce(parts, way, whole)
  try {
    return await sendOnce(parts, way, { ...whole, parent, mostBytes })
  } catch (thrown) {
    if (whole.signal.aborted || !(isCode(thrown, 'TOO_LARGE') || isCode(thrown, 'POOL_FULL'))) throw thrown
    return sendOnce(parts, way, whole)
  }
}

async function sendOnce(
  parts: HostParts,
  { to, path, rate, goal }: Way,
  { pool, disk, parent, mostBytes, signal }: SentDisk,
): Promise<number> {
  using stall = createStall(parts.env, to, 'took')
  const ends = AbortSignal.any([signal, stall.signal])
  const sending = await parts.storage(pool).send(disk, { ...(parent ? { parent } : {}), mostBytes, signal: ends })
  void sending.sent.then(
    () => stall.wait(finishMs),
    () => undefined,
  )
  const body = flow(parts, withTail(sending), {
    rate,
    onProgress: (label) => parts.operations.progress(goal, label),
    onWait: () => stall.wait(stallMs),
    onTaken: () => stall.end(),
  })
  const asked: PeerRequest = {
    method: 'POST',
    path,
    headers: { 'content-type': 'application/octet-stream' },
    ...{ body, signal: ends },
  }
  try {
    await askJson(parts, to, asked)
    return (await sending.sent).bytes
  } catch (thrown) {
    body.destroy()
    // What stands in the way of reading says more than that the line broke off.
    const own = await Promise.race([
      sending.sent.then(
        () => undefined,
        (cause) => cause,
      ),
      pause(parts.env, ownReasonMs),
    ])
    throw own instanceof CroftError ? own : thrown
  }
}
