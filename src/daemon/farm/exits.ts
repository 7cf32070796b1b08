/**
 * What of running instances of this host ends by itself. A look inside is a process, so none is had for nothing: the runtime tells, for the price of
 * reading one line of the kernel's, that something ended; only then the journal is asked, and the less often the more often it is something.
 */
import { CroftError, isCode } from '../../api/errors.ts'
import { withExits } from '../../plan/site-exits.ts'
import { type Exit, exitWords, parseExits } from '../../plan/units/exits.ts'
import type { Inside } from '../host/inside.ts'
import type { HostParts } from '../host/parts.ts'
import type { MembersRecord, SiteExitsRecord } from '../records/app-records.ts'
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
export function createReadExits(inside: Inside): ReadExits {
  return async ({ number, since, signal }) => {
    const options = { signal, timeoutMs: patienceMs, maxBytes: mostBytes }
    try {
      const { code, lines } = await inside.run(number, exitWords(since), options)
      return code === 0 ? parseExits(lines, since) : []
    } catch (thrown) {
      if (thrown instanceof CroftError) return []
      throw thrown
    }
  }
}

export interface Instance {
  readonly site: string
  readonly name: string
  readonly number: number
  readonly id: string
}

export interface ExitWatch {
  /** All instances of this host, from now on. */
  watch(instances: readonly Instance[]): void
  close(): Promise<void>
}

const everyMs = 5000
const leastMs = 15_000
const mostMs = 300_000

interface One extends Instance {
  pulse: string | undefined
  since: number
  /** Of the monotonic clock. */
  nextAt: number
  restMs: number
}

export function createExitWatch({ env, store, runtime, inside, log }: HostParts): ExitWatch {
  const all = new Map<string, One>()
  const readExits = createReadExits(inside)
  const closing = new AbortController()
  let timer: Disposable | undefined
  let looking: Promise<void> = Promise.resolve()

  function soon(): void {
    if (all.size === 0 || closing.signal.aborted) return
    timer ??= env.later(everyMs, () => {
      looking = lookAround().finally(() => {
        timer = undefined
        soon()
      })
    })
  }

  async function lookAround(): Promise<void> {
    for (const one of [...all.values()])
      await look(one).catch((thrown) => {
        if (closing.signal.aborted || isCode(thrown, 'CHANGED_MEANWHILE')) return
        log.warn({ instance: one.name, error: String(thrown) }, 'how its daemons end is not known')
      })
  }

  async function look(one: One): Promise<void> {
    const pulse = await runtime.pulse(one.number)
    if (pulse === undefined || pulse === one.pulse || env.monotonicMs() < one.nextAt || closing.signal.aborted) return
    // Until it serves its rollout looks after it.
    if (!(await serves(one))) {
      one.since = env.now() * 1000
      return
    }
    const exits = await readExits({ number: one.number, since: one.since, signal: closing.signal })
    one.restMs = exits.length === 0 ? leastMs : Math.min(mostMs, one.restMs * 2)
    one.nextAt = env.monotonicMs() + one.restMs
    if (exits.length > 0 && all.has(one.id)) await write(one, exits)
    one.pulse = pulse
    one.since = Math.max(one.since, ...exits.map(({ at }) => at))
  }

  async function serves({ site, id }: One): Promise<boolean> {
    const members = await read<MembersRecord>(store, keys.membersOf(site))
    const state = members?.value.members.find((member) => member.id === id)?.state
    return state !== undefined && state !== 'starting'
  }

  /** Other hosts write of theirs beside this: who comes second looks again. */
  async function write({ site, name }: One, exits: readonly Exit[]): Promise<void> {
    const [holder, known] = await Promise.all([
      read(store, keys.site(site)),
      read<SiteExitsRecord>(store, keys.exits(site)),
    ])
    if (!holder) return
    const value: SiteExitsRecord = {
      schema: schemaVersion,
      exits: withExits(known?.value.exits ?? [], name, exits),
    }
    await store.transact(
      [
        { key: holder.key, revision: holder.revision },
        { key: keys.exits(site), revision: known?.revision ?? 0 },
      ],
      [{ put: keys.exits(site), value }],
    )
  }

  return {
    watch(instances) {
      const wanted = new Set(instances.map(({ id }) => id))
      for (const id of all.keys()) if (!wanted.has(id)) all.delete(id)
      for (const each of instances) {
        if (all.has(each.id)) continue
        all.set(each.id, { ...each, pulse: undefined, since: env.now() * 1000, nextAt: 0, restMs: leastMs / 2 })
      }
      soon()
    },
    async close() {
      closing.abort(new Error('the daemon stops'))
      timer?.[Symbol.dispose]()
      await looking
    },
  }
}
