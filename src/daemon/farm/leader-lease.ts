/**
 * The lease of a host that would lead: the key `leader` lies under it, and ends with it. One that ran out is made anew, and
 * what lay under it is gone: who put it there is told.
 */
import { toCroftError } from '../../api/errors.ts'
import type { Lease, Store } from '../../store/store.ts'
import type { Env } from '../env.ts'
import type { Log } from '../host/parts.ts'

export interface LeaderLease {
  /** Undefined while there is none. */
  id(): string | undefined
  onChange(listener: () => void): void
  close(): Promise<void>
}

export interface LeaderLeaseParts {
  readonly env: Env
  readonly store: Store
  readonly log: Log
}

const ttlMs = 10_000
const everyMs = 3000

export function openLeaderLease({ env, store, log }: LeaderLeaseParts): LeaderLease {
  const listeners: (() => void)[] = []
  let lease: Lease | undefined
  let timer: Disposable | undefined
  let busy: Promise<void> = Promise.resolve()
  let closed = false

  function change(next: Lease | undefined): void {
    lease = next
    for (const listener of listeners) listener()
  }

  async function keep(): Promise<void> {
    try {
      if (lease) await lease.keepAlive()
      else change(await store.lease(ttlMs))
    } catch (thrown) {
      log.warn({ error: toCroftError(thrown).message }, 'this host cannot lead the farm')
      if (lease) change(undefined)
    }
  }

  function tick(): void {
    busy = keep().finally(() => {
      if (!closed) timer = env.later(everyMs, tick)
    })
  }

  tick()
  return {
    id: () => lease?.id,
    onChange: (listener) => void listeners.push(listener),
    async close() {
      closed = true
      timer?.[Symbol.dispose]()
      await busy
      await lease?.revoke().catch(() => undefined)
      lease = undefined
    },
  }
}
