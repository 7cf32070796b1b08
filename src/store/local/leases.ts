/** When leases run out. Deadlines live in memory only: prolonging one costs no write. */
import type { LeaseRow } from './tables.ts'

/** A timer is only a nudge to look; the clock that was passed in decides. */
const shortestWaitMs = 50
const longestWaitMs = 60_000

export class Leases {
  readonly #now: () => number
  readonly #look: () => void
  readonly #ends = new Map<string, { readonly ttlMs: number; endMs: number }>()
  #lastMs: number
  #elapsedMs = 0
  /** No lease ends before this; it may be too early, never too late. */
  #earliestMs = Number.POSITIVE_INFINITY
  #timer: NodeJS.Timeout | undefined
  #closed = false

  /** Kept leases start anew with their whole time, as etcd does after a change of its leader. */
  constructor(options: { now: () => number; kept: readonly LeaseRow[]; look: () => void }) {
    this.#now = options.now
    this.#look = options.look
    this.#lastMs = options.now()
    for (const lease of options.kept) this.add(lease)
  }

  add(lease: LeaseRow): void {
    const endMs = this.#tick() + lease.ttlMs
    this.#ends.set(lease.id, { ttlMs: lease.ttlMs, endMs })
    this.#earliestMs = Math.min(this.#earliestMs, endMs)
    this.#arm()
  }

  has(id: string): boolean {
    return this.#ends.has(id)
  }

  prolong(id: string): boolean {
    const lease = this.#ends.get(id)
    if (lease === undefined) return false
    lease.endMs = this.#tick() + lease.ttlMs
    return true
  }

  remove(ids: readonly string[]): void {
    for (const id of ids) this.#ends.delete(id)
    this.#earliestMs = Math.min(...this.#ends.values().map((lease) => lease.endMs))
    this.#arm()
  }

  /** The leases whose time is over. */
  due(): string[] {
    if (this.#ends.size === 0) return []
    const atMs = this.#tick()
    if (atMs < this.#earliestMs) return []
    this.#earliestMs = Math.min(...this.#ends.values().map((lease) => lease.endMs))
    return [...this.#ends].filter(([, lease]) => lease.endMs <= atMs).map(([id]) => id)
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
  }

  /** Time passed as far as it was seen to pass: a clock set back counts as standing still. */
  #tick(): number {
    const nowMs = this.#now()
    if (nowMs > this.#lastMs) this.#elapsedMs += nowMs - this.#lastMs
    this.#lastMs = nowMs
    return this.#elapsedMs
  }

  #arm(): void {
    clearTimeout(this.#timer)
    if (this.#closed || this.#ends.size === 0) return
    const waitMs = Math.min(Math.max(this.#earliestMs - this.#tick(), shortestWaitMs), longestWaitMs)
    this.#timer = setTimeout(() => {
      this.#look()
      this.#arm()
    }, waitMs)
    this.#timer.unref()
  }
}
