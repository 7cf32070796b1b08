/**
 * One attempt at a certificate for a set of names: look where they point, order for those that point here, show the proofs,
 * keep what comes. Each step is in the store before the next one, so a daemon that was killed anywhere goes on there.
 */
import { createPrivateKey, generateKeyPairSync, X509Certificate } from 'node:crypto'
import { join } from 'node:path'
import { toCroftError } from '../../../api/errors.ts'
import type { Acme, AcmeOutcome, AcmeSteps } from '../../../drivers/acme/driver.ts'
import type { EdgeCertificate } from '../../../drivers/edge/driver.ts'
import type { Runner } from '../../../drivers/exec/command.ts'
import {
  afterIssue,
  afterLook,
  afterRefusal,
  chooseNames,
  findOrder,
  type OpenOrder,
  type SetState,
  type Settling,
} from '../../../plan/acme.ts'
import { type CertificateSet, covers } from '../../../plan/certificate-sets.ts'
import type { Store } from '../../../store/store.ts'
import type { Env } from '../../env.ts'
import type { Failpoint } from '../../host/failpoint.ts'
import type { Log } from '../../host/parts.ts'
import { requestOf } from '../../pki/openssl.ts'
import type { Seal } from '../../pki/seal.ts'
import { keys } from '../../records/keys.ts'
import { read, schemaVersion } from '../../records/records.ts'
import type { Book } from '../book.ts'
import type { Lookup } from './lookup.ts'
import type { Proofs } from './proofs.ts'
import { type AccountRecord, type AcmeSettings, accountKey, type SetRecord } from './records.ts'

export interface AttemptParts {
  readonly env: Env
  readonly store: Store
  readonly log: Log
  readonly run: Runner
  readonly seal: Seal
  readonly book: Book
  readonly acme: Acme
  readonly lookup: Lookup
  readonly proofs: Proofs
  readonly failpoint: Failpoint
  /** The host's own addresses. */
  readonly addresses: () => readonly string[]
  /** STATE/pki */
  readonly folder: string
  readonly assertTakes?: (certificate: EdgeCertificate) => Promise<void>
  /** Whether it is this host that asks for the farm. Absent: always. */
  readonly leads?: () => boolean
}

export interface Attempt {
  readonly set: CertificateSet
  readonly state: SetState
  readonly settings: AcmeSettings
  readonly account: () => Promise<AccountRecord>
  readonly settling: () => Settling
  readonly signal: AbortSignal
  /** Told each time when the state is another; it is in the store then. */
  readonly note: (state: SetState) => void
}

/** `rested`: there was nothing to order. `away`: the server is in trouble, for others as well. */
export type AttemptEnd = 'issued' | 'rested' | 'refused' | 'away'

/** What fails is in the state; what is thrown is a fault of this host. */
export async function attempt(parts: AttemptParts, given: Attempt): Promise<AttemptEnd> {
  const { env, lookup, proofs, log } = parts
  const { set, settings, settling } = given
  const account = await given.account()
  const edges = settings.addresses.length > 0 ? settings.addresses : parts.addresses()
  const { verdicts, addresses } = await lookup(set.names, {
    ...{ resolvers: settings.resolvers, edges, identities: account.caaIdentities },
    canWildcards: set.wildcard && (await proofs.canWildcards()),
  })
  const looked = afterLook(given.state, verdicts, moment(env))
  await keepState(parts, given, looked)
  const choice = chooseNames(verdicts, looked, settling(), env.now())
  if ('postponed' in choice) {
    await keepState(
      parts,
      given,
      afterRefusal(looked, { reason: choice.postponed, names: [], later: true }, moment(env)),
    )
    return 'rested'
  }
  if (choice.order.length === 0) return 'rested'
  const { outcome, order } = await orderFor(
    parts,
    { ...given, state: looked },
    { names: choice.order, account, addresses },
  )
  if (outcome.end === 'issued') return keepIssued(parts, given, { order, chain: outcome.chain })
  log.warn({ certificate: set.name, reason: outcome.reason }, 'the ACME server gives no certificate')
  await keepState(parts, given, afterRefusal(order, outcome, moment(env)))
  return outcome.later ? 'away' : 'refused'
}

interface Ordering {
  readonly names: readonly string[]
  readonly account: AccountRecord
  readonly addresses: ReadonlyMap<string, readonly string[]>
}
type Ordered = SetState & { readonly order: OpenOrder }

async function orderFor(
  parts: AttemptParts,
  given: Attempt,
  { names, account, addresses }: Ordering,
): Promise<{ outcome: AcmeOutcome; order: Ordered }> {
  const { env, seal, failpoint, proofs, acme } = parts
  const { directory, email, forbids } = given.settings
  let state = await openOrder(parts, given, { directory, names })
  const shown: string[] = []
  const steps: AcmeSteps = {
    async account({ url, caaIdentities }) {
      failpoint('acmeAccount.before')
      const value: AccountRecord = { ...account, url, caaIdentities }
      await parts.store.transact([], [{ put: accountKey(directory), value }])
      failpoint('acmeAccount.after')
    },
    async begun(url) {
      failpoint('acmeOrder.before')
      state = { ...state, order: { ...state.order, url, begun: env.now() }, ordered: [...state.ordered, env.now()] }
      await keepState(parts, given, state)
      failpoint('acmeOrder.after')
    },
    async prove(wanted) {
      failpoint('acmeProof.before')
      shown.push(...wanted.map(({ token }) => token))
      const failures = await proofs.show(wanted, addresses)
      failpoint('acmeProof.after')
      return failures
    },
  }
  try {
    const key = seal.open(orderName(given.set), state.order.key)
    const request = await requestOf(parts.run, join(parts.folder, `work-${env.id()}`), { key, names })
    const wish = {
      ...{ directory, forbids, names, request, accountKey: seal.open(accountKey(directory), account.key) },
      ...(account.url === undefined ? {} : { account: account.url }),
      ...(email === undefined ? {} : { email }),
      ...(state.order.url === undefined ? {} : { order: state.order.url }),
    }
    return { outcome: await acme.issue(wish, steps, given.signal), order: state }
  } catch (thrown) {
    given.signal.throwIfAborted()
    const { message } = toCroftError(thrown)
    return { outcome: { end: 'refused', reason: message, names: [], later: true }, order: state }
  } finally {
    if (!given.signal.aborted) await proofs.withdraw(shown)
  }
}

/** The one that was left, or a new one with a key of its own. */
async function openOrder(
  parts: AttemptParts,
  given: Attempt,
  wanted: Pick<OpenOrder, 'directory' | 'names'>,
): Promise<Ordered> {
  const { env, seal } = parts
  const name = orderName(given.set)
  const left = findOrder(given.state, wanted, env.now())
  if (left && isOpenable(seal, name, left.key)) return { ...given.state, order: left }
  const order = { ...wanted, key: seal.seal(name, newKey()), begun: env.now() }
  const state = { ...given.state, order }
  await keepState(parts, given, state)
  return state
}

const orderName = ({ name }: CertificateSet): string => `${keys.acmeSet(name)}#order`

function isOpenable(seal: Seal, name: string, sealed: string): boolean {
  try {
    return seal.open(name, sealed) !== ''
  } catch {
    return false
  }
}

/** Certificate and state in one transaction: an order that is done is never gone on with at the next renewal. */
async function keepIssued(
  parts: AttemptParts,
  given: Attempt,
  { order: state, chain }: { readonly order: Ordered; readonly chain: string },
): Promise<AttemptEnd> {
  const { book, seal, log, failpoint, env } = parts
  const { name } = given.set
  const key = seal.open(orderName(given.set), state.order.key)
  const unfit = findFault(chain, key, state.order.names) ?? (await findRefusal(parts, key, chain))
  if (unfit !== undefined) {
    await keepState(parts, given, afterRefusal(state, { reason: unfit, names: [], later: false }, moment(env)))
    return 'refused'
  }
  const after = afterIssue(state)
  failpoint('acmeCertificate.before')
  const { directory } = state.order
  const { record } = await book.keep({ kind: 'acme', name, key, chain, directory }, [stateWrite(name, after)])
  given.note(after)
  failpoint('acmeCertificate.after')
  log.info({ certificate: name, names: record.names.length, expires: record.expires }, 'a certificate by ACME')
  return 'issued'
}

/** Weak signatures in a chain, say: one certificate that the edge does not take would hold up all sites. */
async function findRefusal({ assertTakes }: AttemptParts, key: string, chain: string): Promise<string | undefined> {
  try {
    await assertTakes?.({ name: 'acme', names: [], pem: `${key.trimEnd()}\n${chain}` })
    return undefined
  } catch (thrown) {
    const { message } = toCroftError(thrown)
    return `the edge cannot serve by what the ACME server gave: ${message.split('\n').at(-1)?.slice(0, 200)}`
  }
}

/** What a server gives is looked at before it takes the place of something that works. */
function findFault(chain: string, key: string, names: readonly string[]): string | undefined {
  try {
    const x509 = new X509Certificate(chain)
    const borne = (x509.subjectAltName ?? '').split(', ').map((each) => each.replace(/^DNS:/, '').toLowerCase())
    const missing = names.find((name) => !covers({ names: borne }, name))
    if (missing !== undefined) return `the ACME server gave a certificate without ${missing}`
    return x509.checkPrivateKey(createPrivateKey(key))
      ? undefined
      : 'the ACME server gave a certificate for another key'
  } catch {
    return 'the ACME server gave something that is no certificate'
  }
}

/** One at a time: two that are made at once would be two accounts. */
export async function getAccount(
  { store, seal }: Pick<AttemptParts, 'store' | 'seal'>,
  directory: string,
): Promise<AccountRecord> {
  const at = accountKey(directory)
  const known = (await read<AccountRecord>(store, at))?.value
  if (known && isOpenable(seal, at, known.key)) return known
  const value: AccountRecord = { schema: schemaVersion, directory, key: seal.seal(at, newKey()), caaIdentities: [] }
  await store.transact([], [{ put: at, value }])
  return value
}

async function keepState({ store }: AttemptParts, { set, note }: Attempt, state: SetState): Promise<void> {
  await store.transact([], [stateWrite(set.name, state)])
  note(state)
}

const stateWrite = (name: string, state: SetState) => ({
  put: keys.acmeSet(name),
  value: { schema: schemaVersion, name, ...state } satisfies SetRecord,
})

const newKey = (): string =>
  generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()

const moment = (env: Env) => ({ now: env.now(), chance: Number.parseInt(env.randomHex(2), 16) / 0xffff })
