/**
 * The certificates of the edge: for each name that is served the best valid one there is. The farm's own CA serves at once;
 * what people imported and what an ACME server gave take its place when they are there.
 */
import type { Certificate as CertificateView } from '../../api/door.ts'
import { CroftError } from '../../api/errors.ts'
import type { Acme } from '../../drivers/acme/driver.ts'
import type { AcmeToken, EdgeCertificate } from '../../drivers/edge/driver.ts'
import type { Runner } from '../../drivers/exec/command.ts'
import {
  type CertificateSet,
  candidates,
  certificateSets,
  chooseCertificates,
  lentSets,
  nextChange,
} from '../../plan/certificate-sets.ts'
import { viewCertificates } from '../../plan/certificate-views.ts'
import type { Store } from '../../store/store.ts'
import { type Env, timestamp } from '../env.ts'
import type { Failpoint } from '../host/failpoint.ts'
import type { Log } from '../host/parts.ts'
import type { Seal } from '../pki/seal.ts'
import { keys } from '../records/keys.ts'
import { readAll } from '../records/records.ts'
import { type AcmeKeeper, openAcmeKeeper } from './acme/keeper.ts'
import { createLookup, type Lookup } from './acme/lookup.ts'
import { type Ask, createProofs } from './acme/proofs.ts'
import type { TokenRecord } from './acme/records.ts'
import { type Book, openBook } from './book.ts'
import { createEndings } from './endings.ts'
import { createFarmLeaves, type FarmCa, type FarmLeaves } from './farm-leaves.ts'
import { type Certificate, type CertificateRecord, certificateKey, type Made, recordOf } from './records.ts'

export interface Certificates {
  /**
   * For the host names of each route, the first of them first. Names stay together in one certificate; what the farm's CA
   * must make is made before this returns. The last call says what certificates are asked for and renewed from then on.
   * `ofGuests`: each of these names has one more, for guests: `lent`.
   */
  certificatesFor(groups: readonly (readonly string[])[], ofGuests?: readonly string[]): Promise<ServedCertificate[]>
  /** What ACME servers ask the edge for now. */
  tokens(): Promise<AcmeToken[]>
  /** What is told of them. */
  views(): Promise<CertificateView[]>
  /** Asks the ACME server for it now, whatever failed before; returns when that was tried. */
  issueNow(name: string): Promise<void>
  /** As it would lie in the store, its key sealed. */
  seal(made: Made): Promise<{ readonly key: string; readonly value: CertificateRecord }>
  /** Returns when what was written there is served by. */
  known(key: string): Promise<void>
  /** Told when `certificatesFor` or `tokens` would answer something else, also by time alone. */
  onChange(listener: () => void): Disposable
  close(): Promise<void>
}

export interface ServedCertificate extends EdgeCertificate {
  /** For guests; the edge may serve by it only where no route has the name. */
  readonly lent: boolean
}

export interface CertificatesParts {
  readonly env: Env
  readonly store: Store
  readonly log: Log
  /** STATE/pki */
  readonly folder: string
  readonly seal: () => Promise<Seal>
  readonly ca: FarmCa
  readonly run: Runner
  readonly acme: Acme
  readonly failpoint: Failpoint
  /** The host's own, for names must point to them. */
  readonly addresses: () => readonly string[]
  /** Executable that sets DNS records for wildcards. */
  readonly dnsHook: string
  /** Throws when the edge would not serve by it. */
  readonly assertTakes?: (certificate: EdgeCertificate) => Promise<void>
  /** Whether it is this host that asks ACME servers for the farm. Absent: always. */
  readonly leads?: () => boolean
  readonly lookup?: Lookup
  readonly ask?: Ask
}

interface Opened {
  readonly book: Book
  readonly seal: Seal
  readonly leaves: FarmLeaves
  readonly acme: AcmeKeeper
}

/** A timer counts no further than 24 days. */
const longestMs = 24 * 3600 * 1000
const soonMs = 2000

export function createCertificates(parts: CertificatesParts): Certificates {
  const { env, store, log, ca } = parts
  const listeners = new Set<() => void>()
  const changed = () => {
    for (const listener of [...listeners]) listener()
  }
  const closing = new AbortController()
  let timer: Disposable | undefined
  let opened: Promise<Opened> | undefined
  const endings = createEndings(parts)
  let wished: readonly CertificateSet[] = []

  /** With the first route. What fails then is tried again at the next call. */
  function getOpened(): Promise<Opened> {
    opened ??= open().catch((thrown) => {
      opened = undefined
      throw thrown
    })
    return opened
  }

  async function open(): Promise<Opened> {
    const seal = await parts.seal()
    const book = await openBook({ env, store, log, seal }, changed)
    const proofs = createProofs({ ...parts, hook: parts.dnsHook })
    const lookup = parts.lookup ?? createLookup(env)
    const acme = await openAcmeKeeper({ ...parts, seal, book, proofs, lookup }, changed)
    return { book, seal, acme, leaves: createFarmLeaves({ env, log, book, ca }) }
  }

  async function serve(
    ofRoutes: readonly CertificateSet[],
    ofGuests: readonly CertificateSet[],
  ): Promise<ServedCertificate[]> {
    const { book, acme } = await getOpened()
    wished = [...ofRoutes, ...ofGuests]
    const [chosen, lent] = await Promise.all([choose(ofRoutes, { lent: false }), choose(ofGuests, { lent: true })])
    const missing = wished.some((set) => set.names.some((name) => !(set.lent ? lent : chosen).has(name)))
    const used = new Set([...chosen.values(), ...lent.values()])
    lookAgain(missing ? env.now() + soonMs : nextChange(used, env.now()))
    await acme.wish(wished)
    await endings(
      book.all().flatMap(({ kind, record, until }) => (kind === 'imported' ? [{ name: record.name, until }] : [])),
    )
    return [...served(book, chosen, false), ...served(book, lent, true)]
  }

  async function choose(sets: readonly CertificateSet[], whose: { lent: boolean }): Promise<Map<string, Certificate>> {
    const { book, leaves } = await getOpened()
    const better = book.all().filter((each) => each.kind !== 'farm' && book.findPem(each) !== undefined)
    const names = sets.flatMap((set) => set.names)
    const chosen = chooseCertificates(names, candidates(better, whose), env.now())
    await Promise.all(
      sets.map(async (set) => {
        const rest = set.names.filter((name) => !chosen.has(name))
        const leaf = rest.length === 0 ? undefined : await leaves.ensure(set, rest)
        if (leaf) for (const name of rest) chosen.set(name, leaf)
      }),
    )
    return chosen
  }

  function served(book: Book, chosen: ReadonlyMap<string, Certificate>, lent: boolean): ServedCertificate[] {
    const names = Map.groupBy(chosen, ([, certificate]) => certificate)
    const sorted = [...names].sort(([one], [two]) => (one.at < two.at ? -1 : 1))
    return sorted.flatMap(([certificate, pairs]) => {
      const pem = book.findPem(certificate)
      const name = `${certificate.kind}-${certificate.record.name}`
      return pem === undefined ? [] : [{ name, names: pairs.map(([each]) => each).sort(), pem, lent }]
    })
  }

  function lookAgain(at: number | undefined): void {
    timer?.[Symbol.dispose]()
    timer = undefined
    if (at === undefined || closing.signal.aborted) return
    timer = env.later(Math.min(Math.max(at - env.now(), 0) + 1, longestMs), changed)
  }

  return {
    certificatesFor: async (groups, ofGuests = []) =>
      groups.length + ofGuests.length === 0 && !opened ? [] : serve(certificateSets(groups), lentSets(ofGuests)),
    async tokens() {
      const found = await readAll<TokenRecord>(store, keys.acmeTokens)
      return found.flatMap(({ value: { token, answer, dns } }) => (dns === undefined ? [{ token, answer }] : []))
    },
    async views() {
      const none = !opened && (await store.list(keys.edgeCertificates, { limit: 1 })).entries.length === 0
      if (none) return []
      const { book, acme } = await getOpened()
      const held = book.all().map((each) => ({ ...each, ...each.record, usable: book.findPem(each) !== undefined }))
      // Where nobody is asked, what a server once refused is nobody's trouble any more.
      const stateOf = acme.settings() ? acme.stateOf : () => undefined
      return viewCertificates({ sets: wished, held, stateOf, now: env.now() })
    },
    async issueNow(name) {
      const { acme } = await getOpened()
      if (!acme.settings())
        throw new CroftError('REFUSED', 'nobody agreed to the terms of an ACME server yet', {
          hint: 'croft farm set acme-agreed=yes acme-email=ADDRESS',
        })
      if (await acme.tryNow(name)) return
      throw new CroftError('REFUSED', `no ACME server is asked for "${name}": its names are of no public zone`, {
        hint: `croft cert show ${name}`,
      })
    },
    async seal(made) {
      const { seal } = await getOpened()
      const key = certificateKey(made.kind, made.name)
      return { key, value: { ...recordOf({ ...made, key: seal.seal(key, made.key) }), at: timestamp(env) } }
    },
    known: async (key) => (await getOpened()).book.refresh(key),
    onChange(listener) {
      listeners.add(listener)
      return { [Symbol.dispose]: () => listeners.delete(listener) }
    },
    async close() {
      closing.abort()
      timer?.[Symbol.dispose]()
      const there = await opened?.catch(() => undefined)
      await there?.acme.close()
      await there?.book.close()
    },
  }
}
