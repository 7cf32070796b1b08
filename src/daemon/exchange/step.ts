/**
 * What each host does when the farm goes over to another CA: it looks at the record now and then, does its part of the phase,
 * and confirms it. Killed anywhere it finds by its files how far it is, and goes on. Keys go from host to host, to who proves
 * itself by the key that its record names, and never into the store: who is to be shut out may still read that.
 */
import { CroftError, isCode, toCroftError } from '../../api/errors.ts'
import type { CasBundle } from '../../api/host.ts'
import { isTurn, nextPhase } from '../../plan/exchange.ts'
import type { Store } from '../../store/store.ts'
import type { Failpoint } from '../host/failpoint.ts'
import type { Log } from '../host/parts.ts'
import type { Outside } from '../http/outside.ts'
import type { Peers } from '../peers/peers.ts'
import { readJson } from '../peers/read-answer.ts'
import { fingerprintOf } from '../pki/authority.ts'
import { type Pair, readCa } from '../pki/pair.ts'
import { getStoreCas, keepStoreCas, readStoreCas } from '../pki/store-cas.ts'
import { type ExchangeNow, type ExchangeRecord, findExchange } from './records.ts'

export interface ExchangeParts {
  readonly store: Store
  readonly log: Log
  readonly host: string
  /** Of the CAs. */
  readonly folder: string
  readonly outside: Pick<Outside, 'door' | 'adopt' | 'rotate'>
  readonly peers: Pick<Peers, 'request'>
  /** What this host shows and trusts is by its files: its own connections to the store, and its member. Returns when that answers. */
  readonly renew: () => Promise<void>
  readonly failpoint: Failpoint
}

/** True: it is under way, and may go on soon. */
export async function stepExchange(parts: ExchangeParts): Promise<boolean> {
  const now = await findExchange(parts.store)
  if (!now) return false
  const { value } = now.held
  const next = nextPhase(value, now.living)
  if (next !== undefined) return write(parts, now, next === 'over' ? undefined : { ...value, phase: next, done: [] })
  if (!isTurn(value, now.living, parts.host)) return value.phase !== 'settled'
  await acts[value.phase](parts, now)
  await parts.renew()
  parts.failpoint(`exchange-${value.phase}.after`)
  return write(parts, now, { ...value, done: [...value.done, parts.host] })
}

/** Of several that write at once one does; the others look again. */
async function write({ store, log }: ExchangeParts, { held }: ExchangeNow, to: ExchangeRecord | undefined) {
  const { key, revision, value } = held
  try {
    await store.transact([{ key, revision }], [to === undefined ? { delete: key } : { put: key, value: to }])
  } catch (thrown) {
    if (!isCode(thrown, 'CHANGED_MEANWHILE')) throw thrown
    return true
  }
  if (to?.phase !== value.phase)
    log.warn({ ca: value.ca, phase: to?.phase ?? 'over' }, 'the farm goes over to another CA')
  return true
}

type Act = (parts: ExchangeParts, now: ExchangeNow) => Promise<void>

const acts: Readonly<Record<ExchangeRecord['phase'], Act>> = {
  async beside(parts, now) {
    const { ca, storeCa } = now.held.value
    const cas = await getStoreCas(parts.folder)
    if (parts.outside.door().fingerprint === ca && find(cas, storeCa)) return
    const bundle = await bring(parts, now)
    const [signs, other] = readStoreCas(bundle.stores)
    // By its key: a store that an older croft has begun has a certificate of it on each host.
    const mine = cas.find(({ x509 }) => signs?.x509.publicKey.equals(x509.publicKey))
    if (!signs || !other || !mine)
      throw new CroftError('REFUSED', 'the CA of the store that another host has does not follow on this one’s', {
        hint: 'croft doctor',
      })
    await parts.outside.adopt(bundle.ca)
    await keepStoreCas(parts.folder, [signs, other])
  },

  async shown({ folder }, { held }) {
    const cas = await getStoreCas(folder)
    const [next, ...others] = [find(cas, held.value.storeCa), ...cas.filter((each) => !is(each, held.value.storeCa))]
    if (next) await keepStoreCas(folder, [next, ...others.filter((each) => each !== undefined)])
  },

  async alone({ folder, outside }, { held }) {
    const next = find(await getStoreCas(folder), held.value.storeCa)
    if (next) await keepStoreCas(folder, [next])
    await outside.rotate('finish')
  },

  settled: async () => undefined,
}

const is = ({ x509 }: Pair, fingerprint: string): boolean => fingerprintOf(x509) === fingerprint
const find = (cas: readonly Pair[], fingerprint: string): Pair | undefined => cas.find((each) => is(each, fingerprint))

/** From whichever host has it: who made it may be away. */
async function bring({ peers, host }: ExchangeParts, { held, living }: ExchangeNow): Promise<CasBundle> {
  const { from, ca } = held.value
  let why = 'no host has it'
  for (const name of [from, ...living.filter((each) => each !== from)]) {
    if (name === host) continue
    try {
      const answer = await peers.request(name, { method: 'GET', path: '/v1/peers/cas', deadlineMs: 5000 })
      const said = (await readJson(name, answer.body, { withinMs: 5000 })) as CasBundle
      if (answer.status === 200 && fingerprintOf(readCa(said.ca).x509) === ca) return said
    } catch (thrown) {
      why = toCroftError(thrown).message
    }
  }
  throw new CroftError('HOST_UNREACHABLE', `no host gives the new CA: ${why}`, { hint: 'croft host ls' })
}
