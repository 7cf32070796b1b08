/** What each action of a rollout does to the records. Whoever dies within finds, when it looks again, either all of it or nothing. */
import { CroftError } from '../../api/errors.ts'
import type { RolloutStep } from '../../api/site.ts'
import type { RolloutAction } from '../../plan/rollout.ts'
import type { Write } from '../../store/store.ts'
import type { Daemon } from '../daemon.ts'
import { timestamp } from '../env.ts'
import type { RolloutRecord, SiteRecord } from '../records/app-records.ts'
import { keys } from '../records/keys.ts'
import { ranWrites, undoPutBack } from '../records/ran.ts'
import { type Held, readAll } from '../records/records.ts'
import { writeSiteRoutes } from '../records/site-routes.ts'
import { createBefore } from './before.ts'
import { lastLines } from './instance-lines.ts'
import { createInstance } from './instances.ts'
import { createJobsActs } from './jobs-acts.ts'
import { inState, removeMember, tellEdge, writeMembers } from './members.ts'
import { readSiteNow, type SiteNow } from './site-now.ts'
import type { Visitors } from './visitors.ts'

export type RolloutNow = SiteNow & { readonly rollout: Held<RolloutRecord> }

export interface RolloutActs {
  /** Returns how long nothing needs to be looked at; 0: look again. */
  act(now: RolloutNow, action: RolloutAction): Promise<number>
  /** What a step could not do for a while: the rollout goes back. */
  giveUp(site: string, reason: string): Promise<void>
  /** Operations of rollouts that ended with the last daemon. */
  settleEnded(): Promise<void>
}

type Handlers = {
  readonly [K in RolloutAction['do']]: (
    now: RolloutNow,
    action: Extract<RolloutAction, { do: K }>,
  ) => Promise<number | undefined>
}
/** `rollback` returns to one of these. */
const keptPrevious = 10
const patientMs = 60_000

export function createRolloutActs(
  daemon: Daemon,
  {
    nudge,
    signal,
    visitors,
  }: { readonly nudge: (site: string) => void; readonly signal: AbortSignal; readonly visitors: Visitors },
): RolloutActs {
  const before = createBefore(daemon, { nudge, signal })
  const jobs = createJobsActs(daemon, signal)

  const handlers: Handlers = {
    async create(now, { slot }) {
      const name = await createInstance(daemon, now, slot)
      note(now, `start ${name}`)
      return 0
    },

    async before(now, { member }) {
      const ended = before.run(now, member)
      if (ended === undefined) return patientMs
      if (ended.ok) {
        note(now, `before: ${now.rollout.value.config.before?.command}, ${ended.seconds} s`)
        await patch(now, { before: 'done' })
      } else await fail(now, { reason: ended.reason, lines: ended.lines })
      return 0
    },

    async register(now, { members }) {
      const { rollout, site } = now
      if (site) await writeSiteRoutes(daemon, site.value, rollout.value)
      await writeMembers(daemon, now, inState(daemon, members, 'ready'), rolloutWrite(now, stepTo('register')))
      const { holdSeconds } = rollout.value
      const held = holdSeconds === undefined ? '' : `; they must stay so for ${holdSeconds} s`
      if (members.length > 0) note(now, `${members.join(', ')} healthy${held}`)
      return 0
    },

    async drain(now, { members }) {
      await tellUnlessBack(now)
      await writeMembers(daemon, now, inState(daemon, members, 'draining'), rolloutWrite(now, {}))
      await tellUnlessBack(now)
      note(now, `drain ${members.join(', ')}`)
      return 0
    },

    async restore(now, { members }) {
      await writeMembers(daemon, now, inState(daemon, members, 'ready'), rolloutWrite(now, {}))
      await tellUnlessBack(now)
      return 0
    },

    async remove(now, { members }) {
      await tellUnlessBack(now)
      const [name] = members
      if (name !== undefined) await removeMember(daemon, now, name, rolloutWrite(now, {}))
      note(now, `remove ${name}`)
      return 0
    },

    async give(now, { members: [name = ''] }) {
      await jobs.give(now, name)
      if (now.members?.value.jobs?.name !== name) note(now, `jobs go to ${name}`)
      return 0
    },

    rest: (now, { late }) => jobs.rest(now, late),

    async go(now, { step }) {
      await patch(now, stepTo(step))
      return 0
    },

    async fail(now, { reason, member, daemon: asked }) {
      const lines =
        member === undefined || now.rollout.value.cancel
          ? []
          : await lastLines(daemon, now, { name: member, asked, signal })
      await fail(now, { reason, lines })
      return 0
    },

    async finish(now, { state }) {
      await finish(now, state)
      return 0
    },

    wait: async (_now, { forMs }) => forMs,
  }

  const stepTo = (step: RolloutStep): Partial<RolloutRecord> => ({ step, since: timestamp(daemon.env) })

  function rolloutWrite({ rollout: { key, revision, value } }: RolloutNow, change: Partial<RolloutRecord>) {
    const isChanged = Object.keys(change).length > 0
    const writes: Write[] = isChanged ? [{ put: key, value: { ...value, ...change } }] : []
    return { compare: [{ key, revision }], writes }
  }

  async function patch(now: RolloutNow, change: Partial<RolloutRecord>): Promise<void> {
    const { compare, writes } = rolloutWrite(now, change)
    await daemon.store.transact(compare, writes)
  }

  async function fail(
    now: RolloutNow,
    { reason, lines }: { readonly reason: string; readonly lines: readonly string[] },
  ) {
    note(now, reason)
    await patch(now, { ...stepTo('return'), reason, ...(lines.length > 0 ? { lines } : {}) })
  }

  /** On the way back what serves is asked again, whether or not the edge can be told: it may be what is wrong. */
  async function tellUnlessBack({ name, rollout }: RolloutNow): Promise<void> {
    const told = tellEdge(daemon, name)
    await (rollout.value.step === 'return' ? told.catch(() => undefined) : told)
  }

  async function finish(now: RolloutNow, state: 'done' | 'failed' | 'cancelled'): Promise<void> {
    const { site } = now
    const rollout = now.rollout.value
    const { to, hash, config, slots } = rollout
    // Who is told that it is done asks at once. What the edge lacks its routes tell.
    if (state === 'done') await tellEdge(daemon, now.name).catch(() => undefined)
    const requests = await visitors.end(rollout)
    const told = requests === undefined ? {} : { requests }
    const undone = state === 'done' ? undefined : await undoPutBack(daemon, rollout)
    const { putBack } = rollout
    const again = undone && putBack ? { putBack: { ...putBack, undone: true as const } } : {}
    const ended = rolloutWrite(now, { state, finished: timestamp(daemon.env), ...told, ...again })
    if (state !== 'done' || !site)
      await daemon.store.transact(
        [...ended.compare, ...(undone?.compare ?? [])],
        [...ended.writes, ...(undone?.writes ?? [])],
      )
    else {
      const next = released(site.value, to)
      await writeMembers(daemon, now, (record) => ({ ...record, serves: { to, hash, config, slots } }), {
        compare: [...ended.compare, { key: site.key, revision: site.revision }],
        writes: [...ended.writes, { put: site.key, value: next }, ...(await ranWrites(daemon, rollout, next))],
      })
    }
    settle({ ...rollout, ...told, ...again, state })
    nudge(now.name)
  }

  function settle(rollout: RolloutRecord): void {
    const { operations } = daemon
    const goal = { kind: 'rollout', id: rollout.id } as const
    const error = errorOf(rollout)
    operations.settle(goal, operations.mark(), error ? { end: 'failed', error } : { end: 'met' })
  }

  const note = ({ rollout: { value } }: RolloutNow, line: string): void =>
    daemon.operations.note({ kind: 'rollout', id: value.id }, line)

  return {
    act: async (now, action) =>
      (await (handlers[action.do] as (now: RolloutNow, action: RolloutAction) => Promise<number | undefined>)(
        now,
        action,
      )) ?? 0,

    async giveUp(site, reason) {
      const now = await readSiteNow(daemon, site)
      const { rollout } = now
      if (rollout?.value.state !== 'running' || rollout.value.step === 'return' || rollout.value.step === 'retire')
        return
      await fail({ ...now, rollout }, { reason, lines: [] })
    },

    async settleEnded() {
      const goals = daemon.operations
        .goals()
        .flatMap((goal) => (goal.kind === 'rollout' && !goal.id.startsWith('run ') ? [goal.id] : []))
      if (goals.length === 0) return
      const records = (await readAll<RolloutRecord>(daemon.store, keys.rollouts)).map(({ value }) => value)
      for (const id of goals) {
        const known = records.find((record) => record.id === id)
        if (known?.state === 'running' || records.some(({ next }) => next?.id === id)) continue
        if (known) settle(known)
        else
          daemon.operations.settle({ kind: 'rollout', id }, daemon.operations.mark(), {
            end: 'failed',
            error: new CroftError('FAILED', 'another rollout came after it'),
          })
      }
    },
  }
}

const released = (site: SiteRecord, to: string): SiteRecord => ({
  ...site,
  release: to,
  generation: site.generation + 1,
  previous:
    site.release === null || site.release === to
      ? site.previous
      : [site.release, ...site.previous.filter((ref) => ref !== site.release && ref !== to)].slice(0, keptPrevious),
})

/** The reason, the last lines of who failed, and what serves now. */
function errorOf({
  state,
  site,
  reason = '',
  lines = [],
  from,
  to,
  cancel,
  requests,
  countBefore,
  putBack,
}: RolloutRecord): CroftError | undefined {
  if (state === 'done') return undefined
  const rest = from === null ? 'nothing serves yet' : [`↩ ${from} serves on`, ...requestsText(requests)].join(', ')
  const again = putBack?.undone ? ['what was set before is set again'] : []
  const text = [reason, ...lines.slice(-10).map((line) => `  ${line}`), rest, ...again].join('\n')
  const stays = putBack ? !putBack.undone : from === to
  const hint = stays ? backHint(site, countBefore) : `croft site show ${site}`
  return new CroftError(cancel ? 'CANCELLED' : 'FAILED', text, { hint })
}

/** With the same code it is what was set that is wrong, and it stays set. */
const backHint = (site: string, countBefore: number | undefined): string =>
  countBefore
    ? `croft site scale ${site} ${countBefore}   (the number that was asked for stays set until then)`
    : `croft config history ${site} · croft config revert ${site} REVISION`

const requestsText = (requests: RolloutRecord['requests']): string[] =>
  requests ? [`${requests.failed} of ${requests.all} requests failed`] : []
