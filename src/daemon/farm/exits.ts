/**
 * What of running instances ends by itself. A look inside is a process, so none is had for nothing: the runtime tells, for the price of reading one
 * line of the kernel's, that something ended; only then the journal is asked, and the less often the more often it is something.
 */
import { CroftError, isCode } from '../../api/errors.ts'
import { withExits } from '../../plan/site-exits.ts'
import { type Exit, exitWords, parseExits } from '../../plan/units/exits.ts'
import { type Daemon, getFarm } from '../daemon.ts'
import type { SiteExitsRecord } from '../records/app-records.ts'
import { keys } from '../records/keys.ts'
import { read, schemaVersion } from '../records/records.ts'

export interface Looked {
  readonly number: number
  /** Microseconds since 1970. */
  readonly since: number
  readonly signal: AbortSignal
}
export type ReadExits = (looked: Looked) => Promise<readonly Exit[]>

const patienceMs = 10_000
const mostBytes = 1024 ** 2

/** Of an instance that cannot tell there are none. */
export function createReadExits(daemon: Daemon): ReadExits {
  return async ({ number, since, signal }) => {
    const options = { signal, timeoutMs: patienceMs, maxBytes: mostBytes }
    try {
      const { code, lines } = await getFarm(daemon).parts.inside.run(number, exitWords(since), options)
      return code === 0 ? parseExits(lines, since) : []
    } catch (thrown) {
      if (thrown instanceof CroftError) return []
      throw thrown
    }
  }
}

export interface Running {
  readonly name: string
  readonly number: number
  readonly id: string
}

export interface ExitWatch {
  watch(site: string, running: readonly Running[]): void
  close(): Promise<void>
}

const everyMs = 5000
const leastMs = 15_000
const mostMs = 300_000

interface One extends Running {
  readonly site: string
  pulse: string | undefined
  since: number
  /** Of the monotonic clock. */
  nextAt: number
  restMs: number
}

export function createExitWatch(daemon: Daemon, readExits: ReadExits): ExitWatch {
  const { env } = daemon
  const all = new Map<string, One>()
  const closing = new AbortController()
  let timer: Disposable | undefined
  let looking: Promise<void> = Promise.resolve()

  function soon(): void {
    timer ??= env.later(everyMs, () => {
      looking = lookAround().finally(() => {
        timer = undefined
        if (all.size > 0 && !closing.signal.aborted) soon()
      })
    })
  }

  async function lookAround(): Promise<void> {
    for (const one of [...all.values()])
      await look(one).catch((thrown) => {
        if (closing.signal.aborted || isCode(thrown, 'CHANGED_MEANWHILE')) return
        getFarm(daemon).parts.log.warn(
          { instance: one.name, error: String(thrown) },
          'how its daemons end is not known',
        )
      })
  }

  async function look(one: One): Promise<void> {
    const pulse = await getFarm(daemon).parts.runtime.pulse(one.number)
    if (pulse === one.pulse || env.monotonicMs() < one.nextAt || closing.signal.aborted) return
    const exits = await readExits({ number: one.number, since: one.since, signal: closing.signal })
    one.restMs = exits.length === 0 ? leastMs : Math.min(mostMs, one.restMs * 2)
    one.nextAt = env.monotonicMs() + one.restMs
    if (exits.length > 0 && all.has(one.id)) await write(one, exits)
    one.pulse = pulse
    one.since = Math.max(one.since, ...exits.map(({ at }) => at))
  }

  async function write({ site, name }: One, exits: readonly Exit[]): Promise<void> {
    const [holder, known] = await Promise.all([
      read(daemon.store, keys.site(site)),
      read<SiteExitsRecord>(daemon.store, keys.exits(site)),
    ])
    if (!holder) return
    const value: SiteExitsRecord = {
      schema: schemaVersion,
      exits: withExits(known?.value.exits ?? [], name, exits),
    }
    await daemon.store.transact(
      [
        { key: holder.key, revision: holder.revision },
        { key: keys.exits(site), revision: known?.revision ?? 0 },
      ],
      [{ put: keys.exits(site), value }],
    )
  }

  return {
    watch(site, running) {
      const wanted = new Set(running.map(({ id }) => id))
      for (const [id, one] of all) if (one.site === site && !wanted.has(id)) all.delete(id)
      for (const each of running) {
        if (all.has(each.id)) continue
        const fresh = { pulse: undefined, since: env.now() * 1000, nextAt: 0, restMs: leastMs / 2 }
        all.set(each.id, { ...each, site, ...fresh })
      }
      if (all.size > 0 && !closing.signal.aborted) soon()
    },
    async close() {
      closing.abort(new Error('the daemon stops'))
      timer?.[Symbol.dispose]()
      await looking
    },
  }
}
