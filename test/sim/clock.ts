/** Time that passes only when it is told to. The wall clock can jump; the monotonic one cannot. */
import type { Env } from '../../src/daemon/env.ts'

interface Timer {
  readonly at: number
  readonly order: number
  readonly work: () => void
}

export class SimClock {
  private elapsedMs = 0
  private wallMs = Date.parse('2026-11-21T12:00:00Z')
  private order = 0
  private ids = 0
  private secrets = 0
  private readonly timers = new Set<Timer>()

  /** One for each daemon: what a dead one had planned does not happen. */
  env(isAlive: () => boolean): Env {
    return {
      now: () => this.wallMs,
      monotonicMs: () => this.elapsedMs,
      later: (ms, work) => this.later(ms, () => isAlive() && work()),
      id: () => `id${String(++this.ids).padStart(8, '0')}`,
      uuid: () => `uuid-${String(++this.ids).padStart(4, '0')}`,
      // Secrets are all others.
      randomHex: (bytes) => (bytes < 32 ? 'ab'.repeat(bytes) : String(++this.secrets).padStart(2 * bytes, '0')),
    }
  }

  get seconds(): number {
    return this.elapsedMs / 1000
  }

  now(): number {
    return this.wallMs
  }

  later(ms: number, work: () => void): Disposable {
    const timer = { at: this.elapsedMs + Math.max(0, ms), order: ++this.order, work }
    this.timers.add(timer)
    return { [Symbol.dispose]: () => void this.timers.delete(timer) }
  }

  jump(ms: number): void {
    this.wallMs += ms
  }

  /** Runs what is due in so many seconds, in order, with all that follows from it. */
  async pass(seconds: number): Promise<void> {
    const end = this.elapsedMs + seconds * 1000
    await quiet()
    for (let next = this.next(end); next; next = this.next(end)) {
      this.timers.delete(next)
      this.go(next.at)
      next.work()
      await quiet()
    }
    this.go(end)
  }

  private next(end: number): Timer | undefined {
    const due = [...this.timers].filter(({ at }) => at <= end)
    return due.sort((a, b) => a.at - b.at || a.order - b.order)[0]
  }

  private go(to: number): void {
    this.wallMs += to - this.elapsedMs
    this.elapsedMs = to
  }
}

/** A turn of the event loop ends everything that was begun, and who reads a file is waited for: nothing else here asks the outside. */
export async function quiet(): Promise<void> {
  do for (let turn = 0; turn < 3; turn++) await new Promise<void>((go) => setImmediate(go))
  while (process.getActiveResourcesInfo().some((name) => /^FSReq|Request$|^GetAddrInfo/.test(name)))
}
