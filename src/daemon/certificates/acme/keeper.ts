/**
 * Keeps certificates of an ACME server for the names that the edge serves: a queue of sets that are due, so many at once.
 * What is due follows from what is wished, from what is there and from what failed before; nothing of it is lost with the daemon.
 */
import { toCroftError } from '../../../api/errors.ts'
import {
  afterRefusal,
  atOnce,
  backOffMs,
  dueAt,
  freshState,
  paceMs,
  type SetState,
  type Settling,
  settle,
} from '../../../plan/acme.ts'
import { type CertificateSet, candidates, type HeldCertificate } from '../../../plan/certificate-sets.ts'
import { isPublic } from '../../../plan/public-names.ts'
import { keys } from '../../records/keys.ts'
import { readAll } from '../../records/records.ts'
import type { Certificate } from '../records.ts'
import { type AttemptParts, attempt, getAccount } from './attempt.ts'
import { type AcmeSettings, findSettings, type SetRecord } from './records.ts'

export interface AcmeKeeper {
  /** Everything that is served; what was wished before and is not now is left alone. */
  wish(sets: readonly CertificateSet[]): Promise<void>
  stateOf(set: string): SetState | undefined
  /** Forgets back-offs of the set and tries; returns when it was tried. False: nothing is asked for it. */
  tryNow(name: string): Promise<boolean>
  /** Undefined: nobody agreed to an ACME server. */
  settings(): AcmeSettings | undefined
  close(): Promise<void>
}

const together = 2
const longestMs = 24 * 3600 * 1000
/** Who asks for the farm may be another host soon. */
const otherLeadsMs = 15_000

export async function openAcmeKeeper(parts: AttemptParts, onChange: () => void): Promise<AcmeKeeper> {
  const { env, store, log, book, leads = () => true } = parts
  const states = new Map<string, SetState>()
  const readStates = async () => {
    for (const { value } of await readAll<SetRecord>(store, keys.acmeSets)) states.set(value.name, value)
  }
  await readStates()
  /** What another host has tried is not known here. */
  let missed = false
  const busy = new Map<string, Promise<void>>()
  const closing = new AbortController()
  let wished: readonly CertificateSet[] = []
  let settings: AcmeSettings | undefined
  let timer: Disposable | undefined
  let sweeping: Promise<void> | undefined
  let accounts: Promise<unknown> = Promise.resolve()
  /** The server is away for all: asking for each set anew would be noise. */
  let server = { failures: 0, holdUntil: 0 }

  const stateOf = (name: string): SetState => states.get(name) ?? freshState
  const settling = (whose: Pick<CertificateSet, 'lent'>): Settling => {
    const counts = (each: HeldCertificate) =>
      each.kind !== 'acme' || (each as Certificate).record.directory === settings?.directory
    const usable = book.all().filter((each) => each.kind !== 'farm' && book.findPem(each) !== undefined)
    return settle(candidates(usable, whose), counts, env.now())
  }

  function look(): void {
    timer?.[Symbol.dispose]()
    timer = undefined
    if (closing.signal.aborted || !settings) return
    if (!leads() || missed) {
      lookLater()
      return
    }
    const now = env.now()
    const [ofRoutes, ofGuests] = [settling({ lent: false }), settling({ lent: true })]
    const heldFor = ({ lent }: CertificateSet) => (lent ? ofGuests : ofRoutes)
    const waiting = wished
      .filter(({ name }) => !busy.has(name))
      .map((set) => ({ set, at: Math.max(dueAt(set.names, stateOf(set.name), heldFor(set), now), server.holdUntil) }))
      .sort((one, two) => one.at - two.at)
    const holdMs = paceMs(states.values(), now)
    for (const { set, at } of waiting) {
      if (at > now || holdMs > 0 || busy.size >= together) break
      start(set)
    }
    const next = waiting.find(({ set }) => !busy.has(set.name))
    if (!next || busy.size >= together) return
    timer = env.later(Math.min(Math.max(next.at - now, holdMs, 1), longestMs), look)
  }

  function lookLater(): void {
    const again = () =>
      void readStates().then(() => {
        missed = !leads()
        look()
      }, lookLater)
    missed = true
    timer = env.later(otherLeadsMs, again)
  }

  function start(set: CertificateSet): Promise<void> {
    const running = work(set).finally(() => {
      busy.delete(set.name)
      look()
    })
    busy.set(set.name, running)
    return running
  }

  async function work(set: CertificateSet): Promise<void> {
    if (!settings) return
    const { directory } = settings
    const account = () => {
      const mine = accounts.then(() => getAccount(parts, directory))
      accounts = mine.catch(() => undefined)
      return mine
    }
    const { signal } = closing
    const note = (state: SetState) => void states.set(set.name, state)
    try {
      sweeping ??= parts.proofs.sweep()
      await sweeping
      const given = { set, state: stateOf(set.name), settings, account, settling: () => settling(set), signal, note }
      const end = await attempt(parts, given)
      if (end === 'away') server = held(server.failures + 1)
      else if (end !== 'rested') server = { failures: 0, holdUntil: 0 }
      if (end === 'issued') onChange()
    } catch (thrown) {
      if (signal.aborted) return
      const { code, message } = toCroftError(thrown)
      log.error({ certificate: set.name, code, error: message }, 'an attempt at a certificate broke')
      note(afterRefusal(stateOf(set.name), { reason: message, names: [], later: true }, { now: env.now(), chance: 0 }))
    }
  }

  const held = (failures: number) => ({ failures, holdUntil: env.now() + backOffMs(failures, 0, 3600_000) })

  return {
    async wish(sets) {
      wished = sets.flatMap((set) => {
        const names = set.names.filter(isPublic)
        return names.length === 0 ? [] : [{ ...set, names }]
      })
      settings = await findSettings(store)
      look()
    },
    stateOf: (name) => states.get(name),
    async tryNow(name) {
      await busy.get(name)
      const set = wished.find((each) => each.name === name)
      if (!set || !settings) return false
      states.set(name, atOnce(stateOf(name)))
      await (busy.get(name) ?? start(set))
      return true
    },
    settings: () => settings,
    async close() {
      closing.abort()
      timer?.[Symbol.dispose]()
      await Promise.allSettled(busy.values())
    },
  }
}
