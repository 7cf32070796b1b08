/** The moves that this host has a part in. What does the work is loaded when there is one. */
import { CroftError } from '../../api/errors.ts'
import type { Daemon } from '../daemon.ts'
import type { HostLoop } from '../host/loop.ts'
import type { HostParts } from '../host/parts.ts'
import { keys } from '../records/keys.ts'
import { type MoveRecord, moveGoal } from '../records/moves.ts'
import { readAll } from '../records/records.ts'
import { createDrains, type Drains } from './drains.ts'

export interface Moves {
  readonly drains: Drains
  begin(daemon: Daemon): void
  /** False when it is not under way here. */
  cancel(id: string): boolean
  close(): Promise<void>
}

const againMs = 3000

interface Work {
  readonly id: string
  readonly abort: AbortController
  readonly done: Promise<void>
}

export function createMoves(parts: HostParts, loop: Pick<HostLoop, 'look' | 'gate'>): Moves {
  const { store, host, env, log } = parts
  const drains = createDrains(parts)
  const works = new Map<number, Work>()
  const closing = new AbortController()
  let looking: Promise<void> = Promise.resolve()
  let timer: Disposable | undefined
  let failed = false

  function look(): void {
    looking = looking.then(lookOnce).then(
      () => {
        failed = false
      },
      (thrown) => {
        if (closing.signal.aborted) return
        if (!failed) log.error({ error: String(thrown) }, 'looking at moves failed; trying again until it works')
        failed = true
        lookLater()
      },
    )
  }

  function lookLater(): void {
    timer ??= env.later(againMs, () => {
      timer = undefined
      look()
    })
  }

  async function lookOnce(): Promise<void> {
    if (closing.signal.aborted) return
    for (const { value } of await readAll<MoveRecord>(store, keys.moves)) {
      const mine = value.phase === 'cleared' ? value.to === host.name : value.from === host.name
      if (!mine || works.has(value.number)) continue
      const abort = new AbortController()
      works.set(value.number, { id: value.id, abort, done: work(value, abort) })
    }
  }

  async function work({ number, name }: MoveRecord, { signal }: AbortController): Promise<void> {
    try {
      const { endMove, walkMove } = await import('./source.ts')
      await walkMove({ parts, loop, signal }, number)
      await endMove(parts, number)
      works.delete(number)
      look()
    } catch (thrown) {
      works.delete(number)
      if (closing.signal.aborted) return
      log.warn({ guest: name, error: String(thrown) }, 'a move waits, and is tried again')
      lookLater()
    }
  }

  async function follow(): Promise<void> {
    try {
      const batches = store.watch(keys.moves, { signal: closing.signal })
      settleForgotten().catch(() => undefined)
      look()
      for await (const _ of batches) look()
    } catch {
      if (!closing.signal.aborted) env.later(againMs, follow)
    }
  }

  /** Its record has ended, and the daemon with it before that was told. */
  async function settleForgotten(): Promise<void> {
    const { operations } = parts
    const upTo = operations.mark()
    const known = new Set((await readAll<MoveRecord>(store, keys.moves)).map(({ value }) => value.id))
    for (const goal of operations.goals())
      if (goal.kind === 'move' && !known.has(goal.id)) operations.settle(moveGoal(goal.id), upTo, { end: 'gone' })
  }

  return {
    drains,
    begin(daemon) {
      void follow()
      drains.begin(daemon)
    },
    cancel(id) {
      const found = works.values().find((work) => work.id === id)
      found?.abort.abort(new CroftError('CANCELLED', 'it was cancelled'))
      return found !== undefined
    },
    async close() {
      closing.abort()
      const drained = drains.close()
      timer?.[Symbol.dispose]()
      for (const { abort } of works.values()) abort.abort(new CroftError('STORE_CLOSED', 'the daemon ends'))
      await looking
      await drained
      await Promise.allSettled([...works.values()].map(({ done }) => done))
    },
  }
}
