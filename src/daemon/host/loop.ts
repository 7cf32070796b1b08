/**
 * The host's loop. A nudge says look, never what: it comes from the store's watch, a monitor's socket that closed, or a
 * timer. Guests are independent and run side by side, so many at a time; one guest's passes never overlap.
 */
import { toCroftError } from '../../api/errors.ts'
import type { GuestState } from '../../api/guest.ts'
import { cursor } from '../../store/store.ts'
import { createEdgeKeeper, type EdgeKeeper } from '../edge/keeper.ts'
import type { Changed } from '../mesh/elsewhere.ts'
import { keys } from '../records/keys.ts'
import { type GuestRecord, readAll } from '../records/records.ts'
import { type Between, createBetween } from './between.ts'
import { createFirewallGate, type FirewallGate } from './firewall-gate.ts'
import { reserveAllFound } from './found.ts'
import { passGuest } from './guest-pass.ts'
import { freshMemory, type GuestMemory, stableAfterMs } from './guest-report.ts'
import { hold } from './hold.ts'
import { createInstanceWatch } from './instance-watch.ts'
import { createNamesKeeper, type NamesKeeper } from './names-keeper.ts'
import type { HostParts } from './parts.ts'
import { createPresence } from './presence.ts'
import { createTemplateLoop, type TemplateLoop } from './template-loop.ts'
import { createTurns } from './turns.ts'
import { createVolumeLoop } from './volume-loop.ts'

const passesAtOnce = 4
const lookAroundMs = 30_000
const groupPatienceMs = 5_000

export interface HostLoop {
  /** Firewall first, then the pools, then the guests in their order; returns when the first passes are under way. */
  begin(): Promise<void>
  nudge(number: number): void
  /** Returns when a pass that began after this has ended. */
  look(number: number): Promise<void>
  nudgeTemplates(): void
  /** What a guest is going through now, when it differs from its status. */
  phase(number: number): GuestState | undefined
  readonly gate: FirewallGate
  readonly names: NamesKeeper
  readonly edge: EdgeKeeper
  readonly between: Between
  /** Looks at everything once; returns when all guests were looked at. */
  lookAround(): Promise<void>
  cancelTemplate(id: string): boolean
  close(): Promise<void>
}

interface Runner {
  busy: Promise<void> | undefined
  again: boolean
  timer: Disposable | undefined
  exit: Disposable | undefined
  readonly memory: GuestMemory
}

export function createHostLoop(parts: HostParts): HostLoop {
  const runners = new Map<number, Runner>()
  const turns = createTurns(passesAtOnce, parts.env)
  const gate = createFirewallGate(parts)
  const names = createNamesKeeper(parts)
  const edge = createEdgeKeeper(parts, (ports) => gate.hear(ports))
  const templates: TemplateLoop = createTemplateLoop(parts)
  const volumes = createVolumeLoop(parts)
  const presence = createPresence(parts)
  const between = createBetween(parts, { look, gate })
  const instances = createInstanceWatch(parts)
  const closing = new AbortController()
  /** Firewall and pools were seen to: before that nobody is looked at, also when a request comes early. */
  const ready = Promise.withResolvers<void>()
  const certificates = parts.certificates.onChange(() => void edge.refresh())
  let around: Disposable | undefined

  function runnerOf(number: number): Runner {
    const known = runners.get(number)
    if (known) return known
    const runner: Runner = { busy: undefined, again: false, timer: undefined, exit: undefined, memory: freshMemory() }
    runners.set(number, runner)
    return runner
  }

  function nudge(number: number): void {
    if (closing.signal.aborted) return
    const runner = runnerOf(number)
    runner.again = true
    runner.busy ??= keepLooking(number, runner).finally(() => {
      runner.busy = undefined
      // A nudge may have come after the last look and before this moment.
      if (runner.again) nudge(number)
    })
  }

  async function look(number: number): Promise<void> {
    nudge(number)
    await runners.get(number)?.busy
  }

  async function keepLooking(number: number, runner: Runner): Promise<void> {
    await ready.promise
    while (runner.again && !closing.signal.aborted) {
      await turns.take(async () => {
        runner.again = false
        runner.timer?.[Symbol.dispose]()
        await onePass(number, runner)
      })
    }
  }

  async function onePass(number: number, runner: Runner): Promise<void> {
    const upTo = parts.operations.mark()
    const result = await passGuest(parts, { gate, edge }, number, runner.memory).catch((thrown) => {
      const error = toCroftError(thrown)
      parts.log.error({ number, error: error.message }, 'a pass broke')
      return { end: 'failed', error, retryInMs: 5000 } as const
    })
    if (result.end !== 'waiting') edge.back(number)
    if (result.end === 'gone') {
      runner.exit?.[Symbol.dispose]()
      runners.delete(number)
    }
    if (result.end === 'met') watchExit(number, runner, result.state)
    if (result.end === 'failed' && result.retryInMs !== undefined) later(number, runner, result.retryInMs)
    if (result.end === 'waiting') {
      if (result.for === 'template') templates.nudge()
      else watchExit(number, runner, 'running')
      later(number, runner, result.forMs)
    }
    parts.operations.settle({ kind: 'guest', number }, upTo, result)
  }

  function later(number: number, runner: Runner, ms: number): void {
    if (closing.signal.aborted) return
    runner.timer?.[Symbol.dispose]()
    runner.timer = parts.env.later(ms + 5, () => nudge(number))
  }

  /** A reboot from inside closes the socket too and opens another within 50 ms: so look again a little later. */
  function watchExit(number: number, runner: Runner, state: GuestState): void {
    runner.exit?.[Symbol.dispose]()
    runner.exit = undefined
    if (state === 'stopped' || closing.signal.aborted) return
    runner.exit = parts.runtime.onExit(number, () => {
      runner.exit = undefined
      parts.env.later(runner.memory.askedToStopAt === undefined ? 60 : 0, () => nudge(number))
    })
    if (runner.memory.startedAt !== undefined && parts.env.monotonicMs() - runner.memory.startedAt < stableAfterMs)
      later(number, runner, stableAfterMs)
  }

  async function lookAround(): Promise<void> {
    await bringPools()
    await parts.runtime.tidy()
    await parts.mesh.refresh()
    for (const change of await parts.network.prepare()) parts.log.info({ change }, 'host network prepared')
    if (!(await parts.firewall.intact())) {
      parts.log.warn({}, 'the firewall was changed from outside, or is new: writing it whole')
      await gate.refresh()
    } else await gate.announceAgain()
    names.refresh()
    edge.refresh()
    const guests = await readAll<GuestRecord>(parts.store, keys.guests(parts.host.name))
    instances.seeAll(guests.map(({ value }) => value))
    const inOrder = guests.map(({ value }) => value).sort((a, b) => a.spec.order - b.spec.order || a.number - b.number)
    templates.nudge()
    volumes.nudge()
    for (const group of Map.groupBy(inOrder, (guest) => guest.spec.order).values()) {
      for (const guest of group) nudge(guest.number)
      await patiently(Promise.all(group.map((guest) => runners.get(guest.number)?.busy)))
    }
    await Promise.all(inOrder.map((guest) => runners.get(guest.number)?.busy))
  }

  /** A disk that takes minutes to mount, or hangs, keeps nothing waiting but its guests; they are looked at when it came. */
  async function bringPools(): Promise<void> {
    const coming = parts.pools.bring().then(async (came) => {
      for (const name of came) await templates.sweep(name)
      if (came.length > 0) await reserveAllFound(parts)
      return came
    })
    if (await patiently(coming)) return
    coming.then((came) => (came.length > 0 ? lookAround() : undefined)).catch(() => {})
  }

  /** Guests of one order go before those of the next; one that hangs in its start does not keep the others for ever. */
  async function patiently(work: Promise<unknown>): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<false>()
    using _timer = parts.env.later(groupPatienceMs, () => resolve(false))
    return await Promise.race([work.then(() => true), promise])
  }

  async function follow(prefix: string, from: string, onChange: (key: string) => void): Promise<void> {
    try {
      for await (const batch of parts.store.watch(prefix, { from, signal: closing.signal })) {
        for (const change of batch.changes) onChange(change.key)
      }
    } catch (thrown) {
      if (closing.signal.aborted) return
      parts.log.error({ prefix, error: String(thrown) }, 'the watch ended; looking at everything')
      parts.env.later(1000, () => followAnew(prefix, onChange))
    }
  }

  /** From now on; what was missed meanwhile is found by looking at everything. */
  async function followAnew(prefix: string, onChange: (key: string) => void, said = false): Promise<void> {
    if (closing.signal.aborted) return
    try {
      const { revision } = await parts.store.get(keys.farm)
      follow(prefix, cursor(parts.store, revision), onChange)
      await lookAround()
    } catch (thrown) {
      if (!said) parts.log.error({ prefix, error: String(thrown) }, 'the store cannot be followed; trying each second')
      parts.env.later(1000, () => followAnew(prefix, onChange, true))
    }
  }

  /** Names, rules and routes speak of guests on other hosts too. */
  function heardOfOthers({ names: changed, places, served }: Changed): void {
    if (places) parts.mesh.refreshSoon()
    if (places || changed.size > 0) names.refreshSoon()
    if (places || changed.size > 0) gate.refreshFor(changed)
    if (places || served) edge.refreshSoon()
  }

  function lookAroundAgain(): void {
    lookAround().catch((thrown) => parts.log.error({ error: String(thrown) }, 'looking around failed'))
    around = parts.env.later(lookAroundMs, lookAroundAgain)
  }

  const numberIn = (key: string) => Number(key.split('/')[2])

  return {
    ...{ gate, names, edge, between },
    nudge,
    look,
    nudgeTemplates: () => void ready.promise.then(() => templates.nudge()),
    cancelTemplate: (id) => templates.cancel(id),
    phase: (number) => runners.get(number)?.memory.phase,
    lookAround,

    async begin() {
      await parts.network.prepare()
      const records = await readAll<GuestRecord>(parts.store, keys.guests(parts.host.name))
      const live = await parts.runtime.list()
      await parts.elsewhere.begin(closing.signal, heardOfOthers)
      await gate.refresh([...live.filter((guest) => guest.state !== 'stopped').map((guest) => guest.number)])
      await parts.mesh.refresh()
      await bringPools()
      ready.resolve()
      const { revision } = await parts.store.get(keys.farm)
      const from = cursor(parts.store, revision)
      follow(keys.guests(parts.host.name), from, (key) => {
        nudge(numberIn(key))
        instances.see(numberIn(key))
        names.refreshSoon()
        edge.refreshSoon()
        volumes.nudge()
      })
      edge.follow(from, closing.signal)
      follow(keys.snapshots(parts.host.name), from, (key) => nudge(numberIn(key)))
      follow(keys.templates, from, () => templates.nudge())
      follow(keys.volumes(parts.host.name), from, () => volumes.nudge())
      follow(keys.members, from, () => names.refreshSoon())
      follow(keys.hosts, from, () => presence.look())
      presence.look()
      for (const { value } of records)
        if (!value.spec.autostart && !live.some((guest) => guest.number === value.number && guest.state !== 'stopped'))
          await hold(parts, value)
      await templates.begin()
      lookAroundAgain()
      // Also guests that are gone already: an operation may have waited for that when the daemon died.
      for (const goal of parts.operations.goals()) if (goal.kind === 'guest') nudge(goal.number)
    },

    async close() {
      closing.abort()
      ready.resolve()
      await between.close()
      certificates[Symbol.dispose]()
      around?.[Symbol.dispose]()
      for (const runner of runners.values()) {
        runner.timer?.[Symbol.dispose]()
        runner.exit?.[Symbol.dispose]()
      }
      await Promise.allSettled([...runners.values()].map((runner) => runner.busy))
      await templates.close()
      await volumes.close()
      await instances.close()
      await presence.close()
      await parts.mesh.close()
    },
  }
}
