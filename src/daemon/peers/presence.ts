/**
 * That this host's daemon speaks with the store: one lease, under which its key `alive/HOST` lies, and whatever else must
 * end with it. A lease that ran out is made anew, and what lay under it is gone: who put it there is told.
 */
import { toCroftError } from '../../api/errors.ts'
import type { Lease, Store } from '../../store/store.ts'
import { type Env, timestamp } from '../env.ts'
import type { Log } from '../host/parts.ts'
import { keys } from '../records/keys.ts'

export interface AliveRecord {
  readonly since: string
  /** Of croft. */
  readonly version: string
}

export interface Presence {
  /** The id of the lease that runs. */
  lease(): string | undefined
  onChange(listener: () => void): void
  close(): Promise<void>
}

export interface PresenceParts {
  readonly env: Env
  readonly store: Store
  readonly log: Log
  readonly own: string
  readonly version: string
}

const ttlMs = 10_000
const everyMs = 3000

export function openPresence({ env, store, log, own, version }: PresenceParts): Presence {
  const listeners: (() => void)[] = []
  const since = timestamp(env)
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
      else await begin()
    } catch (thrown) {
      log.warn({ error: toCroftError(thrown).message }, 'this host is not seen in the store')
      if (lease) change(undefined)
    }
  }

  async function begin(): Promise<void> {
    const next = await store.lease(ttlMs)
    const value: AliveRecord = { since, version }
    await store.transact([], [{ put: keys.alive(own), value, lease: next.id }])
    change(next)
  }

  function tick(): void {
    busy = keep().finally(() => {
      if (!closed) timer = env.later(everyMs, tick)
    })
  }

  tick()
  return {
    lease: () => lease?.id,
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
