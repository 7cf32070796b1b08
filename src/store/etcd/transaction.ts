/**
 * A transaction whose answer may get lost. What is asked again is only what cannot be done twice; otherwise it is looked
 * for, and when even that does not tell, that is said.
 *
 *     send ── answer ─────────────────────────────► written, or CHANGED_MEANWHILE
 *       └─ none ─► look ── all of it is there ────► written
 *            ▲       ├─ some key is as it was ─ a compared key is among the written ─► send again
 *            └───────┘       └─ otherwise ────────► OUTCOME_UNKNOWN: it may still come
 *                    └─ others wrote there since ─► OUTCOME_UNKNOWN
 */
import { CroftError } from '../../api/errors.ts'
import type { CheckedWrite } from '../local/check.ts'
import type { Compare } from '../store.ts'
import { Lost, unknownOutcome } from './faults.ts'
import type { Link } from './link.ts'
import { compareFor, jsonOf, type Kv, readFor, revisionOf, type Space, type TxnAnswer, writeFor } from './wire.ts'

export interface Transaction {
  readonly space: Space
  readonly compare: readonly Compare[]
  readonly writes: readonly CheckedWrite[]
  /** A revision that the store had before. */
  readonly since: number
}

const txn = (body: object) => ({ path: '/v3/kv/txn', body })

export async function transact(link: Link, transaction: Transaction): Promise<TxnAnswer> {
  const { space, compare, writes } = transaction
  const sent = txn({
    compare: compare.map((each) => compareFor(space, each)),
    success: writes.map((each) => writeFor(space, each)),
    failure: compare.map(({ key }) => readFor(space, key)),
  })
  if (writes.length === 0) return judge(transaction, await link.ask<TxnAnswer>(sent))
  for (let lost: Lost | undefined; ; ) {
    try {
      const answer = await link.ask<TxnAnswer>(sent, 'write')
      if (lost === undefined || answer.succeeded) return judge(transaction, answer)
    } catch (thrown) {
      if (!(thrown instanceof Lost) || thrown.unsent) throw thrown
      lost = thrown
      const found = await look(link, transaction, lost)
      if (found.is === 'written') return found.answer
      if (found.is === 'not' && isOnce(transaction)) continue
      throw unknownOutcome(lost.message)
    }
    // The comparison failed the second time: by what came first, or by somebody else.
    const found = await look(link, transaction, lost)
    if (found.is === 'written') return found.answer
    if (found.is === 'not') throw changed(transaction, undefined)
    throw unknownOutcome(lost.message)
  }
}

/** Done twice, the second is refused by its comparisons. */
const isOnce = ({ compare, writes }: Transaction): boolean =>
  compare.some(({ key }) => writes.some((write) => write.key === key))

function judge(transaction: Transaction, answer: TxnAnswer): TxnAnswer {
  if (answer.succeeded) return answer
  throw changed(transaction, answer)
}

function changed({ compare }: Transaction, answer: TxnAnswer | undefined): CroftError {
  const found = (answer?.responses ?? []).map(({ response_range: range }) => Number(range?.kvs?.[0]?.mod_revision ?? 0))
  const at = found.findIndex((revision, index) => revision !== compare[index]?.revision)
  const first = compare[at]
  if (first === undefined) return new CroftError('CHANGED_MEANWHILE', `"${compare[0]?.key}" was changed`)
  return new CroftError('CHANGED_MEANWHILE', `"${first.key}" is at revision ${found[at]}, not ${first.revision}`)
}

type Found = { readonly is: 'written'; readonly answer: TxnAnswer } | { readonly is: 'not' | 'others' }

/** What is written bears our values, all of one revision, and that is a new one. */
async function look(link: Link, { space, writes, since }: Transaction, lost: Lost): Promise<Found> {
  const reads = txn({ success: writes.map(({ key }) => readFor(space, key)) })
  const answer = await link.ask<TxnAnswer>(reads).catch((thrown) => {
    throw thrown instanceof Lost ? unknownOutcome(lost.message) : thrown
  })
  const kvs = writes.map((_, at): Kv | undefined => answer.responses?.[at]?.response_range?.kvs?.[0])
  const revisions = new Set(
    writes.flatMap(({ json }, at) => (json === null ? [] : [Number(kvs[at]?.mod_revision ?? 0)])),
  )
  const isOurs = ({ json }: CheckedWrite, kv: Kv | undefined): boolean =>
    json === null ? kv === undefined : kv !== undefined && jsonOf(kv) === json
  const [revision = revisionOf(answer.header)] = revisions
  if (revisions.size <= 1 && revision > since && writes.every((write, at) => isOurs(write, kvs[at])))
    return { is: 'written', answer: { ...answer, header: { ...answer.header, revision: String(revision) } } }
  const isOld = ({ json }: CheckedWrite, kv: Kv | undefined): boolean =>
    json === null ? kv !== undefined && Number(kv.mod_revision) <= since : Number(kv?.mod_revision ?? 0) <= since
  return { is: writes.some((write, at) => isOld(write, kvs[at])) ? 'not' : 'others' }
}
