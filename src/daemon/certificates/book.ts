/** The certificates of the store, kept in memory and followed: the edge is told anew at each change of a route, and must not wait. */
import { CroftError, isCode } from '../../api/errors.ts'
import { type Change, cursor, type Store, type Write } from '../../store/store.ts'
import { type Env, timestamp } from '../env.ts'
import type { Log } from '../host/parts.ts'
import type { Seal } from '../pki/seal.ts'
import { keys } from '../records/keys.ts'
import { type Certificate, type CertificateRecord, certificateKey, held, type Made, recordOf } from './records.ts'

export interface Book {
  all(): readonly Certificate[]
  find(kind: CertificateRecord['kind'], name: string): Certificate | undefined
  /** Key and chain, as servers take them. Undefined when the key cannot be opened. */
  findPem(certificate: Certificate): string | undefined
  /** Puts it in the place of the one before, and what else belongs to it into the same transaction. */
  keep(made: Made, also?: readonly Write[]): Promise<Certificate>
  remove(certificate: Certificate): Promise<void>
  /** Reads one anew: the watch would bring it in a moment. */
  refresh(key: string): Promise<void>
  close(): Promise<void>
}

export interface BookParts {
  readonly env: Env
  readonly store: Store
  readonly log: Log
  readonly seal: Seal
}

const againMs = 1000

export async function openBook({ env, store, log, seal }: BookParts, onChange: () => void): Promise<Book> {
  const known = new Map<string, Certificate>()
  const pems = new Map<string, { readonly revision: number; readonly pem: string | undefined }>()
  const closing = new AbortController()

  function take(at: string, revision: number, value: unknown): void {
    if ((known.get(at)?.revision ?? 0) < revision) known.set(at, held(at, revision, value as CertificateRecord))
  }

  function drop(at: string, revision: number): void {
    if ((known.get(at)?.revision ?? 0) > revision) return
    known.delete(at)
    pems.delete(at)
  }

  async function readAll(): Promise<string> {
    const { revision } = await store.get(keys.farm)
    const there = new Set<string>()
    let after: string | undefined
    do {
      const page = await store.list(keys.edgeCertificates, after === undefined ? {} : { after })
      for (const entry of page.entries) {
        take(entry.key, entry.revision, entry.value)
        there.add(entry.key)
      }
      after = page.next
    } while (after !== undefined)
    for (const at of known.keys()) if (!there.has(at)) drop(at, Number.POSITIVE_INFINITY)
    return cursor(store, revision)
  }

  async function follow(from: string): Promise<void> {
    for await (const { changes } of store.watch(keys.edgeCertificates, { from, signal: closing.signal })) {
      const news = changes.filter(isNews)
      for (const change of news) {
        if (change.kind === 'put') take(change.key, change.revision, change.value)
        else drop(change.key, change.revision)
      }
      if (news.length > 0) onChange()
    }
  }

  /** What this daemon wrote itself is known already, and was told. */
  const isNews = ({ kind, key, revision }: Change): boolean =>
    kind === 'put' ? (known.get(key)?.revision ?? 0) < revision : known.has(key)

  function keepFollowing(from: string): void {
    follow(from).catch((thrown) => {
      if (closing.signal.aborted || isCode(thrown, 'STORE_CLOSED')) return
      log.warn({ error: String(thrown) }, 'certificates cannot be followed; reading them anew')
      env.later(againMs, () => void anew())
    })
  }

  async function anew(): Promise<void> {
    if (closing.signal.aborted) return
    try {
      keepFollowing(await readAll())
      onChange()
    } catch {
      env.later(againMs, () => void anew())
    }
  }

  keepFollowing(await readAll())
  return {
    all: () => [...known.values()],
    find: (kind, name) => known.get(certificateKey(kind, name)),
    findPem(certificate) {
      const { at, revision, record } = certificate
      const cached = pems.get(at)
      if (cached?.revision === revision) return cached.pem
      const pem = openPem(certificate)
      pems.set(at, { revision, pem })
      if (pem === undefined) log.warn({ certificate: record.name }, 'a private key cannot be opened')
      return pem
    },
    async keep(made, also = []) {
      const at = certificateKey(made.kind, made.name)
      const record = { ...recordOf({ ...made, key: seal.seal(at, made.key) }), at: timestamp(env) }
      const { revision } = await store.transact([], [{ put: at, value: record }, ...also])
      take(at, revision, record)
      return held(at, revision, record)
    },
    async remove({ at, revision }) {
      await store.transact([{ key: at, revision }], [{ delete: at }])
      drop(at, revision)
    },
    async refresh(key) {
      const { entry } = await store.get(key)
      if (!entry || (known.get(key)?.revision ?? 0) >= entry.revision) return
      take(key, entry.revision, entry.value)
      onChange()
    },
    async close() {
      closing.abort()
    },
  }

  function openPem({ at, record }: Certificate): string | undefined {
    try {
      return `${seal.open(at, record.key).trimEnd()}\n${record.chain}`
    } catch (thrown) {
      if (thrown instanceof CroftError) return undefined
      throw thrown
    }
  }
}
