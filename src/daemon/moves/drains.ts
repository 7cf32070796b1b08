/** The emptying of this host, when there is one. What does the work is loaded then. */
import { isCode } from '../../api/errors.ts'
import type { Daemon } from '../daemon.ts'
import type { HostParts } from '../host/parts.ts'
import { changeDrain, type DrainRecord, drainGoal } from '../records/drains.ts'
import { keys } from '../records/keys.ts'
import { read, readAll } from '../records/records.ts'

export interface Drains {
  begin(daemon: Daemon): void
  /** One was asked for. */
  nudge(): void
  /** False when it is not under way here. */
  cancel(id: string): Promise<boolean>
  close(): Promise<void>
}

const againMs = 3000

export function createDrains(parts: HostParts): Drains {
  const { store, host, env, log, operations } = parts
  const closing = new AbortController()
  const { signal } = closing
  let daemon: Daemon | undefined
  let walking: Promise<void> | undefined
  let again = false
  let timer: Disposable | undefined

  function nudge(): void {
    if (signal.aborted || !daemon) return
    again = true
    walking ??= walk(daemon).finally(() => {
      walking = undefined
      if (again) nudge()
    })
  }

  async function walk(whole: Daemon): Promise<void> {
    again = false
    try {
      if (!(await read<DrainRecord>(store, keys.drain(host.name)))) return settleForgotten()
      const { walkDrain } = await import('./drain-walk.ts')
      await walkDrain({ daemon: whole, host: host.name, signal })
    } catch (thrown) {
      if (signal.aborted || isCode(thrown, 'STORE_CLOSED')) return
      log.warn({ error: String(thrown) }, 'the emptying of this host waits, and is tried again')
      timer = env.later(againMs, nudge)
    }
  }

  /** Its record has ended, and the daemon with it before that was told. */
  async function settleForgotten(): Promise<void> {
    const upTo = operations.mark()
    const known = new Set((await readAll<DrainRecord>(store, keys.drains)).map(({ value }) => value.id))
    for (const goal of operations.goals())
      if (goal.kind === 'drain' && !known.has(goal.id)) operations.settle(drainGoal(goal.id), upTo, { end: 'gone' })
  }

  return {
    nudge,
    begin(whole) {
      daemon = whole
      nudge()
    },
    async cancel(id) {
      const found = await read<DrainRecord>(store, keys.drain(host.name))
      if (found?.value.id !== id) return false
      await changeDrain(store, host.name, (now) => ({ ...now, cancel: true }))
      return true
    },
    async close() {
      closing.abort(new Error('the daemon ends'))
      timer?.[Symbol.dispose]()
      await walking
    },
  }
}
