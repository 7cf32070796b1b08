/**
 * Asks instances again and again whether they are well: from their host, as visitors come, not from within. What was last heard
 * is kept in memory alone: after a start of the daemon all are asked anew.
 */
import type { MemberDaemon } from '../../plan/members.ts'
import type { MemberSight } from '../../plan/rollout.ts'
import { type Exit, exitText, hopeless } from '../../plan/units/exits.ts'
import type { Env } from '../env.ts'
import type { ReadExits } from './exits.ts'

export interface Asked {
  readonly number: number
  readonly address: string
  /** What it hears as Host. */
  readonly host: string
  /** The daemon's name. */
  readonly name: string
  readonly daemon: MemberDaemon
  readonly signal: AbortSignal
}
/** Why it is not well; undefined when it is. Ends in about the time that its check allows. */
export type AskHealth = (asked: Asked) => Promise<string | undefined>

export interface Watched {
  readonly id: string
  readonly number: number
  readonly address: string
  readonly host: string
  readonly daemons: Readonly<Record<string, MemberDaemon>>
  readonly name: string
  /** Milliseconds since 1970; 0: not known. */
  readonly startedAt: number
  /** A rollout waits for it. */
  readonly eager: boolean
}

export interface HealthBoard {
  /** Whom of this site to ask from now on. */
  watch(site: string, members: readonly Watched[]): void
  /** By the guest's id. */
  of(id: string): MemberSight['health']
  close(): void
}

const eagerMs = 250
const restfulMs = 10_000

interface One {
  readonly site: string
  readonly over: AbortController
  member: Watched
  timer: Disposable | undefined
  good: boolean | undefined
  why: string
  /** Who of it is not well. */
  daemon: string | undefined
  times: number
  hopeless: boolean
  exits: readonly Exit[]
  /** Of the monotonic clock: when to look for them again. */
  exitsAt: number
  /** Of the monotonic clock: since when it is as it is. */
  since: number
}

interface Trouble {
  readonly why: string
  readonly daemon?: string
  readonly hopeless?: true
}

/** So often the journal of one that a rollout waits for is read. */
const exitsEveryMs = 1000
/** One without a check is well when it has not ended for so long. */
const livesMs = 4000

export function createHealthBoard({
  env,
  ask,
  readExits,
  onChange,
}: {
  readonly env: Env
  readonly ask: AskHealth
  readonly readExits: ReadExits
  readonly onChange: (site: string) => void
}): HealthBoard {
  const all = new Map<string, One>()

  function begin(site: string, member: Watched): void {
    const since = env.monotonicMs()
    const fresh = { timer: undefined, good: undefined, why: '', daemon: undefined, times: 0, since }
    const none = { hopeless: false, exits: [], exitsAt: 0 }
    const one: One = { site, member, over: new AbortController(), ...fresh, ...none }
    all.set(member.id, one)
    look(one)
  }

  async function look(one: One): Promise<void> {
    const trouble = await troubleOf(one).catch((thrown): Trouble => ({ why: String(thrown) }))
    if (one.over.signal.aborted) return
    const good = trouble === undefined
    const isOther = good !== one.good
    const changed = isOther || (trouble?.hopeless === true && !one.hopeless)
    if (isOther) Object.assign(one, { good, times: 0, since: env.monotonicMs() })
    one.why = trouble?.why ?? ''
    one.daemon = trouble?.daemon
    one.hopeless = trouble?.hopeless === true
    one.times += 1
    if (changed) onChange(one.site)
    one.timer = env.later(everyMs(one), () => look(one))
  }

  /** While a rollout waits it is looked after those that end, too: no check has to run into its limit for them. */
  async function troubleOf(one: One): Promise<Trouble | undefined> {
    const trouble = await firstTrouble(one)
    const { eager, daemons } = one.member
    const unchecked = Object.keys(daemons).filter((name) => daemons[name]?.health.kind === 'none')
    if (!eager || one.good || (trouble === undefined && unchecked.length === 0)) return trouble
    const [first] = unchecked
    if (trouble === undefined && first !== undefined && env.now() - one.member.startedAt < livesMs)
      return { daemon: first, why: `${first} has no check and is looked after for a moment` }
    return (await ended(one, unchecked)) ?? trouble
  }

  async function ended(one: One, unchecked: readonly string[]): Promise<Trouble | undefined> {
    const { number, startedAt } = one.member
    const now = env.monotonicMs()
    if (now >= one.exitsAt) {
      one.exitsAt = now + exitsEveryMs
      one.exits = await readExits({ number, since: startedAt * 1000, signal: one.over.signal })
    }
    const lost = hopeless(one.exits)
    if (lost) return { ...lost, why: `${lost.daemon} ${lost.why}`, hopeless: true }
    const lately = one.exits.findLast(({ name, at }) => unchecked.includes(name) && env.now() - at / 1000 < livesMs)
    return lately && { daemon: lately.name, why: `${lately.name} ${exitText(lately)}` }
  }

  /** All daemons are asked at once; the first in their order that is not well is told. */
  async function firstTrouble({ member, over: { signal } }: One): Promise<Trouble | undefined> {
    const { number, address, host } = member
    const checked = Object.entries(member.daemons).filter(([, { health }]) => health.kind !== 'none')
    const told = await Promise.all(
      checked.map(([name, daemon]) => ask({ number, address, host, name, daemon, signal })),
    )
    const at = told.findIndex((why) => why !== undefined)
    const [why, daemon] = [told[at], checked[at]?.[0]]
    if (why === undefined || daemon === undefined) return undefined
    return { daemon, why: checked.length > 1 ? `${daemon}: ${why}` : why }
  }

  function everyMs({ member }: One): number {
    const kinds = Object.values(member.daemons).map(({ health }) => health)
    const wished = Math.min(restfulMs, ...kinds.map(({ intervalSeconds }) => intervalSeconds * 1000))
    if (!member.eager) return Math.max(wished, restfulMs / 2)
    // What runs inside costs more than a look from outside.
    return kinds.some(({ kind }) => kind === 'exec') ? wished : Math.min(wished, eagerMs)
  }

  function end(one: One): void {
    one.over.abort()
    one.timer?.[Symbol.dispose]()
    all.delete(one.member.id)
  }

  return {
    watch(site, members) {
      const wanted = new Map(members.map((member) => [member.id, member]))
      for (const one of all.values()) if (one.site === site && !wanted.has(one.member.id)) end(one)
      for (const member of members) {
        const one = all.get(member.id)
        if (!one) begin(site, member)
        else {
          const hurries = member.eager && !one.member.eager
          one.member = member
          if (hurries && one.timer) {
            one.timer[Symbol.dispose]()
            one.timer = env.later(0, () => look(one))
          }
        }
      }
    },
    of(id) {
      const one = all.get(id)
      if (one?.good === undefined) return undefined
      if (one.good) return { good: true }
      const seconds = Math.round((env.monotonicMs() - one.since) / 1000)
      const why = one.times > 1 && !one.hopeless ? `${one.why}, ${one.times} times in ${seconds} s` : one.why
      return {
        ...{ good: false, why },
        ...(one.daemon === undefined ? {} : { daemon: one.daemon }),
        ...(one.hopeless ? { hopeless: true } : {}),
      }
    },
    close() {
      for (const one of [...all.values()]) end(one)
    },
  }
}
