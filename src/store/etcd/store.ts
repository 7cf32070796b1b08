/** The store contract on etcd. What a call may ask and what a cursor means is decided by local/, as for the others. */
import { createHash } from 'node:crypto'
import { CroftError } from '../../api/errors.ts'
import { checkPage, checkRevision, checkTransaction, checkTtl } from '../local/check.ts'
import { parseCursor } from '../local/cursor.ts'
import { checkKey, checkPrefix, rangeOf } from '../local/keys.ts'
import type { Batch, Compare, Entry, Lease, Listed, Page, Store, Write } from '../store.ts'
import { isCompacted, isFuture, Refused, toCroft } from './faults.ts'
import { follow } from './follow.ts'
import type { Answer, Link } from './link.ts'
import { transact } from './transaction.ts'
import { keyOf, type RangeAnswer, rangeFor, revisionOf, type Space, toEntry } from './wire.ts'

export interface EtcdStoreOptions {
  readonly id: string
  readonly clusterId: string
  readonly space: Space
  readonly newId: () => string
}

export class EtcdStore implements Store {
  readonly id: string
  readonly kind = 'etcd'
  readonly #link: Link
  readonly #options: EtcdStoreOptions
  readonly #space: Space
  /** Watches that still ask from where on: what is written later waits for them. */
  readonly #starting = new Set<Promise<unknown>>()
  /** The greatest revision that was heard of. */
  #seen = 0

  constructor(link: Link, options: EtcdStoreOptions) {
    this.id = options.id
    this.#link = link
    this.#options = options
    this.#space = options.space
  }

  async get(key: string): Promise<{ readonly revision: number; readonly entry: Entry | undefined }> {
    this.#enter()
    checkKey(key)
    const { header, kvs } = await this.#ask<RangeAnswer>('/v3/kv/range', { key: keyOf(this.#space, key) })
    return { revision: revisionOf(header), entry: kvs?.[0] && toEntry(this.#space, kvs[0]) }
  }

  async list(prefix: string, page: Page = {}): Promise<Listed> {
    this.#enter()
    checkPrefix(prefix)
    const { limit, reverse } = checkPage(page)
    const range = rangeFor(this.#space, rangeOf(prefix, page.after, reverse))
    const order = reverse ? { sort_order: 'DESCEND', sort_target: 'KEY' } : {}
    const body = { ...range, ...order, limit: String(limit + 1) }
    const { header, kvs = [] } = await this.#ask<RangeAnswer>('/v3/kv/range', body)
    const entries = kvs.slice(0, limit).map((kv) => toEntry(this.#space, kv))
    const next = kvs.length > limit ? entries.at(-1)?.key : undefined
    return { revision: revisionOf(header), entries, ...(next === undefined ? {} : { next }) }
  }

  async transact(compare: readonly Compare[], writes: readonly Write[]): Promise<{ readonly revision: number }> {
    this.#enter()
    const checked = checkTransaction(compare, writes)
    for (const { lease } of checked) if (lease !== null && !isLeaseId(lease)) throw noLease(lease)
    await Promise.allSettled(this.#starting)
    const order = { space: this.#space, compare, writes: checked, since: this.#seen }
    const { header } = await this.#noted(transact(this.#link, order))
    return { revision: revisionOf(header) }
  }

  watch(prefix: string, options: { readonly from?: string; readonly signal: AbortSignal }): AsyncIterable<Batch> {
    const after = this.#startOf(prefix, options.from)
    after.catch(() => undefined)
    this.#starting.add(after)
    const started = (): void => void this.#starting.delete(after)
    after.then(started, started)
    const note = (answer: Answer): void => this.#note(answer)
    const order = { space: this.#space, after, signal: options.signal, note }
    return follow(this.#link, { ...order, range: rangeFor(this.#space, rangeOf(prefix, undefined, false)) })
  }

  async lease(ttlMs: number): Promise<Lease> {
    this.#enter()
    checkTtl(ttlMs)
    const id = leaseIdOf(this.#options.newId())
    // It is there when it was asked for twice, because the first answer was lost.
    await this.#ask('/v3/lease/grant', { ID: id, TTL: String(Math.ceil(ttlMs / 1000)) }, ({ message }) =>
      message.includes('lease already exists') ? {} : undefined,
    )
    return { id, keepAlive: () => this.#keepAlive(id), revoke: () => this.#revoke(id) }
  }

  async compact(revision: number): Promise<void> {
    this.#enter()
    checkRevision(revision)
    if (revision === 0) return
    await this.#ask('/v3/kv/compaction', { revision: String(revision) }, (refused) => {
      if (isCompacted(refused)) return {}
      if (!isFuture(refused)) return undefined
      throw new CroftError('BAD_VALUE', `revision ${revision} is still to come`)
    })
  }

  /** Where members are from now on. */
  know(endpoints: readonly string[]): void {
    this.#link.know(endpoints)
  }

  async close(): Promise<void> {
    this.#link.close(new CroftError('STORE_CLOSED', 'the store is closed', { hint: 'croft doctor' }))
  }

  #enter(): void {
    if (this.#link.closed !== undefined) throw this.#link.closed
  }

  async #ask<A extends Answer>(
    path: string,
    body: object,
    mend: (refused: Refused['refusal']) => object | undefined = () => undefined,
  ): Promise<A> {
    return this.#noted(
      this.#link.ask<A>({ path, body }).catch((thrown) => {
        const mended = thrown instanceof Refused ? mend(thrown.refusal) : undefined
        if (mended === undefined) throw thrown
        return mended as A
      }),
    )
  }

  async #noted<A extends Answer>(work: Promise<A>): Promise<A> {
    try {
      const answer = await work
      this.#note(answer)
      return answer
    } catch (thrown) {
      throw toCroft(thrown)
    }
  }

  /** One that was restored is another store: what was heard of it may never have been. */
  #note({ header }: Answer): void {
    this.#seen = Math.max(this.#seen, revisionOf(header))
    if (header?.cluster_id === undefined || header.cluster_id === this.#options.clusterId) return
    const why = new CroftError('STORE_CLOSED', 'the store was restored meanwhile', { hint: 'croft doctor' })
    this.#link.close(why)
    throw why
  }

  /** The revision after which a watch begins. */
  async #startOf(prefix: string, from: string | undefined): Promise<number> {
    this.#enter()
    checkPrefix(prefix)
    if (from === undefined) return revisionOf((await this.#ask<RangeAnswer>('/v3/kv/range', this.#nothing())).header)
    const known = { storeId: this.id, revision: Number.MAX_SAFE_INTEGER, compacted: 0 }
    const asked = parseCursor(from, known)
    let is: 'kept' | 'compacted' | 'future' = 'kept'
    await this.#ask<RangeAnswer>('/v3/kv/range', this.#nothing(asked), (refused) => {
      is = isCompacted(refused) ? 'compacted' : isFuture(refused) ? 'future' : 'kept'
      return is === 'kept' ? undefined : {}
    })
    const kept = {
      kept: known,
      compacted: { ...known, compacted: asked + 1 },
      future: { ...known, revision: asked - 1 },
    }
    return parseCursor(from, kept[is])
  }

  /** A read for its head alone, at a revision when one is given. */
  #nothing(revision = 0): object {
    return { key: keyOf(this.#space, '-'), keys_only: true, revision: String(revision) }
  }

  async #keepAlive(id: string): Promise<void> {
    this.#enter()
    const { result } = await this.#ask<Answer & { readonly result?: { readonly TTL?: string } }>(
      '/v3/lease/keepalive',
      { ID: id },
    )
    if (result?.TTL === undefined) throw noLease(id)
  }

  async #revoke(id: string): Promise<void> {
    this.#enter()
    await this.#ask('/v3/lease/revoke', { ID: id }, ({ message }) =>
      message.includes('lease not found') ? {} : undefined,
    )
  }
}

const isLeaseId = (id: string): boolean => /^[1-9]\d{0,18}$/.test(id)

/** Chosen here, so that asking twice makes one. */
const leaseIdOf = (id: string): string =>
  String((createHash('sha256').update(id).digest().readBigUInt64BE() >> 1n) | 1n)

const noLease = (id: string): CroftError => new CroftError('NOT_FOUND', `the lease ${id} has run out`)
