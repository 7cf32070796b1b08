/** The disk of a template for another host, or what that one lacks of it. */
import type { Readable } from 'node:stream'
import type { KnownBeginning } from '../../api/move.ts'
import type { HostParts } from '../host/parts.ts'
import type { Goal } from '../operations/operations.ts'
import { keys } from '../records/keys.ts'
import { type MoveRecord, moveGoal } from '../records/moves.ts'
import { readAll } from '../records/records.ts'
import { guestsFrom } from '../records/template-sources.ts'
import { flow } from './flow.ts'
import { restOf } from './rest.ts'
import { withTail } from './tail.ts'

interface Wanted {
  readonly id: string
  /** Who asks: a host, as it is known here. */
  readonly to: string
  readonly known: KnownBeginning
  readonly signal: AbortSignal
}

export async function sendTemplate(
  parts: HostParts,
  { id, to, known: { bytes, sha256 }, signal }: Wanted,
): Promise<Readable> {
  parts.failpoint('sendTemplate.before')
  const sending = await parts.storage('default').send({ kind: 'template', id }, { signal })
  const isAll = bytes === undefined || sha256 === undefined
  const goals = await waitingFor(parts, id, to)
  return flow(parts, withTail(isAll ? sending : await restOf(sending, { bytes, sha256 })), {
    onProgress: (label) => goals.forEach((goal) => void parts.operations.progress(goal, `its template: ${label}`)),
  })
}

/** Moves from here that go on when it is there. */
async function waitingFor({ store, host }: HostParts, id: string, to: string): Promise<Goal[]> {
  const own = new Set(await guestsFrom({ store, host }, id))
  const moves = (await readAll<MoveRecord>(store, keys.moves)).map(({ value }) => value)
  const waiting = moves.filter((move) => move.to === to && move.phase === 'copy' && own.has(move.number))
  return waiting.map((move) => moveGoal(move.id))
}
