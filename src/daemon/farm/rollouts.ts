/**
 * The loop of sites: looks at one, asks the plan what is next, does it, and looks again. A nudge says look, never what; one pass at
 * a time for each site. What it does is written to the store, as any user's wish: the hosts do the rest.
 */
import { isCode, toCroftError } from '../../api/errors.ts'
import { nextAction } from '../../plan/rollout.ts'
import { nextRunAction } from '../../plan/site-run.ts'
import { cursor } from '../../store/store.ts'
import { type Daemon, getFarm } from '../daemon.ts'
import type { SiteExitsRecord } from '../records/app-records.ts'
import { keys } from '../records/keys.ts'
import { read, readAll } from '../records/records.ts'
import { createHealthBoard, type HealthBoard } from './health.ts'
import type { RolloutActs } from './rollout-acts.ts'
import type { RunActs } from './run-acts.ts'
import { leavesOf, readOpen, readSiteNow, rolloutSight, runSight, type SiteNow, watchedOf } from './site-now.ts'
import type { Visitors } from './visitors.ts'

export interface Rollouts {
  /** What a daemon before this one left, and what is new. */
  begin(): Promise<void>
  nudge(site: string): void
  close(): Promise<void>
}

interface Joined {
  readonly health: HealthBoard
  readonly rollout: RolloutActs
  readonly run: RunActs
  readonly visitors: Visitors
}

interface Runner {
  busy: Promise<void> | undefined
  again: boolean
  timer: Disposable | undefined
  /** Of the monotonic clock: since when what is next does not work. */
  failingSince: number | undefined
}

const lookAgainMs = 2000
/** The record tells of its end before. */
const movingMs = 30_000
/** What does not work for so long will not: a rollout goes back then. */
const patienceMs = 30_000

export function createRollouts(daemon: Daemon): Rollouts {
  const { env } = daemon
  const runners = new Map<string, Runner>()
  const closing = new AbortController()
  let joined: Promise<Joined> | undefined

  const parts = () => getFarm(daemon).parts
  const join = (): Promise<Joined> => (joined ??= load())
  /** With the first site: most farms begin without. */
  async function load(): Promise<Joined> {
    const [{ createRolloutActs }, { createRunActs }, { createVisitors }, { createReadExits }] = await Promise.all([
      import('./rollout-acts.ts'),
      import('./run-acts.ts'),
      import('./visitors.ts'),
      import('./exits.ts'),
    ])
    const [visitors, readExits] = [createVisitors(daemon), createReadExits(parts().inside)]
    return {
      visitors,
      health: createHealthBoard({ env, ask: parts().askHealth, readExits, onChange: nudge }),
      rollout: createRolloutActs(daemon, { nudge, signal: closing.signal, visitors }),
      run: createRunActs(daemon, { nudge, signal: closing.signal }),
    }
  }

  function nudge(site: string): void {
    if (closing.signal.aborted) return
    const runner = runners.get(site) ?? { busy: undefined, again: false, timer: undefined, failingSince: undefined }
    runners.set(site, runner)
    runner.again = true
    runner.busy ??= keepLooking(site, runner).finally(() => {
      runner.busy = undefined
      if (runner.again) nudge(site)
    })
  }

  async function keepLooking(site: string, runner: Runner): Promise<void> {
    while (runner.again && !closing.signal.aborted) {
      runner.again = false
      runner.timer?.[Symbol.dispose]()
      const forMs = await pass(site).then(
        (next) => {
          runner.failingSince = undefined
          return next
        },
        // Somebody else wrote: what was decided on is not so any more.
        (thrown) => (isCode(thrown, 'CHANGED_MEANWHILE') ? 0 : trouble(site, runner, thrown)),
      )
      if (forMs === undefined) runners.delete(site)
      else if (forMs === 0) runner.again = true
      else later(site, runner, forMs)
    }
  }

  /** Nothing is lost by waiting for a moment; what goes on is the rollout's failure. */
  async function trouble(site: string, runner: Runner, thrown: unknown): Promise<number> {
    if (closing.signal.aborted) return lookAgainMs
    const error = toCroftError(thrown)
    parts().log.warn({ site, code: error.code }, `a step of ${site} did not work: ${error.message}`)
    runner.failingSince ??= env.monotonicMs()
    // Room does not come by waiting, nor does a name that another has.
    const patience = ['NO_ROOM', 'EXISTS', 'REFUSED'].includes(error.code) ? 0 : patienceMs
    if (env.monotonicMs() - runner.failingSince < patience) return lookAgainMs
    runner.failingSince = undefined
    const { rollout } = await join()
    await rollout.giveUp(site, error.message).catch(() => undefined)
    return lookAgainMs
  }

  function later(site: string, runner: Runner, ms: number): void {
    if (closing.signal.aborted) return
    runner.timer = env.later(ms + 5, () => nudge(site))
  }

  /** How long nothing needs to be looked at; 0: look again now; undefined: there is nothing to look at any more. */
  async function pass(site: string): Promise<number | undefined> {
    const now = await readSiteNow(daemon, site)
    const { health, run } = await join()
    health.watch(site, now.site ? watchedOf(daemon, now) : [])
    if (!now.site) {
      await run.clear(site)
      return undefined
    }
    // What it has is at two places: nothing is made anew, stopped or begun until it is at one.
    if (now.site.value.moving) return movingMs
    const drains = now.members?.value.members.some(({ state }) => state === 'draining')
    // What is open is told only after the edge gives it nothing new.
    if (drains) await getFarm(daemon).loop.edge.refresh()
    const seen = { health, open: drains ? await readOpen(daemon, now) : new Map<string, number>(), now: env.now() }
    if (now.rollout?.value.state === 'running') return walk(now, now.rollout, seen)
    const { rollout: ended } = now
    if (ended?.value.next) {
      const { takeQueued } = await import('../records/queued.ts')
      await takeQueued(daemon, ended)
      return 0
    }
    const action = nextRunAction(runSight(now, now.site.value, { ...seen, leaves: await leavesOf(daemon) }))
    if (action.do === 'wait') {
      run.settle(now, action.settled)
      return soonIfDraining(now, action.forMs)
    }
    await act(`site.${action.do}`, () => run.act(now, action))
    return 0
  }

  async function walk(
    now: SiteNow,
    rollout: NonNullable<SiteNow['rollout']>,
    seen: Parameters<typeof rolloutSight>[2],
  ): Promise<number> {
    const ended = rollout.value.holdSeconds === undefined ? [] : await readEnded(now.name)
    const action = nextAction(rolloutSight(now, rollout.value, { ...seen, ended }))
    const { rollout: acts, visitors } = await join()
    await visitors.look(rollout.value)
    if (action.do === 'wait') return soonIfDraining(now, action.forMs)
    let waits = 0
    await act(`rollout.${action.do}`, async () => {
      waits = await acts.act({ ...now, rollout }, action)
    })
    return waits
  }

  const readEnded = async (site: string) =>
    (await read<SiteExitsRecord>(daemon.store, keys.exits(site)))?.value.exits ?? []

  /** A daemon may die before each, and behind. */
  async function act(name: string, work: () => Promise<unknown>): Promise<void> {
    const { failpoint } = parts()
    failpoint(`${name}.before`)
    await work()
    failpoint(`${name}.after`)
  }

  const soonIfDraining = ({ members }: SiteNow, forMs: number): number =>
    members?.value.members.some(({ state }) => state === 'draining') ? Math.min(forMs, 250) : forMs

  function follow(prefix: string, from: string, siteOf: (key: string, value: unknown) => string | undefined): void {
    const watch = async () => {
      for await (const { changes } of daemon.store.watch(prefix, { from, signal: closing.signal }))
        for (const change of changes) {
          const site = siteOf(change.key, change.kind === 'put' ? change.value : change.before)
          if (site !== undefined) nudge(site)
        }
    }
    watch().catch(() => {
      if (!closing.signal.aborted) env.later(lookAgainMs, () => followAnew(prefix, siteOf))
    })
  }

  /** What was missed meanwhile is found by looking at everything. */
  async function followAnew(
    prefix: string,
    siteOf: (key: string, value: unknown) => string | undefined,
  ): Promise<void> {
    if (closing.signal.aborted) return
    try {
      const { revision } = await daemon.store.get(keys.farm)
      follow(prefix, cursor(daemon.store, revision), siteOf)
      await lookAtAll()
    } catch {
      env.later(lookAgainMs, () => followAnew(prefix, siteOf))
    }
  }

  async function lookAtAll(): Promise<void> {
    for (const { key } of await readAll(daemon.store, keys.sites)) nudge(key.slice(keys.sites.length))
  }

  return {
    nudge,
    async begin() {
      const { revision } = await daemon.store.get(keys.farm)
      const from = cursor(daemon.store, revision)
      for (const prefix of [keys.sites, keys.members, keys.rollouts])
        follow(prefix, from, (key) => key.slice(prefix.length))
      follow(keys.statuses, from, (_key, value) => siteOfInstance((value as { name?: string } | undefined)?.name))
      // A host was drained: what can go elsewhere does.
      follow(keys.hosts, from, () => void lookAtAll().catch(() => undefined))
      if (daemon.operations.goals().some(({ kind }) => kind === 'rollout')) await (await join()).rollout.settleEnded()
      await lookAtAll()
    },
    async close() {
      closing.abort(new Error('the daemon stops'))
      if (joined) (await joined).health.close()
      for (const { timer } of runners.values()) timer?.[Symbol.dispose]()
      await Promise.allSettled([...runners.values()].map(({ busy }) => busy))
    },
  }
}

/** `shop/prod/4` → `shop/prod`. */
function siteOfInstance(name: string | undefined): string | undefined {
  const parts = name?.split('/') ?? []
  return parts.length === 3 ? parts.slice(0, 2).join('/') : undefined
}
