/** `croft cert rotate` where the farm has several hosts: the new CAs are made here, and the record has all hosts take them over. */
import { CroftError } from '../../api/errors.ts'
import type { Runner } from '../../drivers/exec/command.ts'
import { waitsFor } from '../../plan/exchange.ts'
import type { Compare, Store, Write } from '../../store/store.ts'
import type { Env } from '../env.ts'
import type { Failpoint } from '../host/failpoint.ts'
import type { Outside } from '../http/outside.ts'
import type { Others } from '../peers/others.ts'
import { fingerprintOf } from '../pki/authority.ts'
import type { Pair } from '../pki/pair.ts'
import { getStoreCas, keepStoreCas, makeStoreCa } from '../pki/store-cas.ts'
import { keys } from '../records/keys.ts'
import { schemaVersion } from '../records/records.ts'
import { stepTo } from '../records/versions.ts'
import { type ExchangeRecord, findExchange } from './records.ts'

export interface BeginParts {
  readonly env: Pick<Env, 'now' | 'id'>
  readonly run: Runner
  readonly store: Store
  readonly folder: string
  readonly outside: Pick<Outside, 'door' | 'rotate'>
  readonly others: Pick<Others, 'own' | 'hosts' | 'isAlive'>
  readonly failpoint: Failpoint
}

export interface Written {
  readonly compare: readonly Compare[]
  readonly writes: readonly Write[]
}

/** Refuses before anything is made. */
export async function assertMayExchange({ store, others }: BeginParts): Promise<void> {
  const now = await findExchange(store)
  if (now)
    throw new CroftError('BUSY', 'a new CA is being brought in already: two are trusted', {
      hint: now.held.value.phase === 'settled' ? 'croft cert rotate --finish' : 'croft status',
    })
  const away = others
    .hosts()
    .find(({ name, dead }) => dead === undefined && name !== others.own && !others.isAlive(name))
  if (away)
    throw new CroftError('REFUSED', `host ${away.name} is away: it would be shut out`, {
      hint: `bring it back, or: croft host declare-dead ${away.name}`,
    })
}

/** An attempt before that died before its record was written is gone on with. */
export async function makeExchange(parts: BeginParts): Promise<Written> {
  const { store, folder, outside, others, failpoint } = parts
  await stepTo(store, 'store-ca')
  if (outside.door().former === undefined) await outside.rotate('begin')
  const cas = await getStoreCas(folder)
  const [, next = await makeStoreCa(parts)] = cas.toSorted(byBeginning)
  if (cas.length === 1) await keepStoreCas(folder, [...cas, next])
  failpoint('exchange-made.after')
  const { fingerprint } = outside.door()
  if (fingerprint === null) throw new CroftError('FAILED', 'this host has no CA yet', { hint: 'croft doctor' })
  const value: ExchangeRecord = {
    ...{ schema: schemaVersion, phase: 'beside', from: others.own, done: [] },
    ...{ ca: fingerprint, storeCa: fingerprintOf(next.x509) },
  }
  return { compare: [{ key: keys.exchange, revision: 0 }], writes: [{ put: keys.exchange, value }] }
}

const byBeginning = (one: Pair, two: Pair): number =>
  one.x509.validFromDate.getTime() - two.x509.validFromDate.getTime()

/** Undefined: there is nothing to end, or it is being ended. */
export async function endExchange({
  store,
  outside,
}: Pick<BeginParts, 'store' | 'outside'>): Promise<Written | undefined> {
  const now = await findExchange(store)
  // Of a time before the store was restored, or of a daemon that died before it had said so.
  if (!now && outside.door().former !== undefined)
    throw new CroftError('REFUSED', 'this host trusts two CAs, and the store knows nothing of it', {
      hint: 'croft cert rotate, which goes on with it; then croft cert rotate --finish',
    })
  if (!now || now.held.value.phase === 'alone') return undefined
  const { key, revision, value } = now.held
  if (value.phase !== 'settled')
    throw new CroftError('BUSY', `the new CA is on its way: ${waitsFor(value, now.living).join(', ')}`, {
      hint: 'croft status',
    })
  return { compare: [{ key, revision }], writes: [{ put: key, value: { ...value, phase: 'alone', done: [] } }] }
}
