/** What is done about a site between rollouts: stopped and started, lost instances made anew, taken away with the site. */

import type { RunAction } from '../../plan/site-run.ts'
import type { Daemon } from '../daemon.ts'
import { timestamp } from '../env.ts'
import type { Caller } from '../http/access.ts'
import type { RolloutRecord } from '../records/app-records.ts'
import { keys } from '../records/keys.ts'
import { runPart } from '../records/parts.ts'
import { schemaVersion } from '../records/records.ts'
import { runGoal } from '../records/rollouts.ts'
import { finishRemoval } from '../records/site-removal.ts'
import { removeSiteRoutes } from '../records/site-routes.ts'
import { createJobsActs } from './jobs-acts.ts'
import { inState, removeMember, tellEdge, writeMembers } from './members.ts'
import type { SiteNow } from './site-now.ts'

export interface RunActs {
  act(now: SiteNow, action: RunAction): Promise<void>
  /** What is left of a site that is gone. */
  clear(site: string): Promise<void>
  /** Tells who waits for the site to be as it is wished. */
  settle(now: SiteNow, isSettled: boolean): void
}

type Handlers = {
  readonly [K in RunAction['do']]: (now: SiteNow, action: Extract<RunAction, { do: K }>) => Promise<void>
}
const itself: Caller = { name: 'croft', role: 'operator' }

export function createRunActs(
  daemon: Daemon,
  { nudge, signal }: { readonly nudge: (site: string) => void; readonly signal: AbortSignal },
): RunActs {
  const jobs = createJobsActs(daemon, signal)

  const handlers: Handlers = {
    async register(now, { members }) {
      await writeMembers(daemon, now, inState(daemon, members, 'ready'))
      await tellEdge(daemon, now.name)
    },

    async drain(now, { members }) {
      await writeMembers(daemon, now, inState(daemon, members, 'draining'))
      await tellEdge(daemon, now.name)
    },

    async halt(now, { members }) {
      for (const name of members) await runPart(daemon, itself, { name, run: 'stopped' })
      await writeMembers(daemon, now, inState(daemon, members, 'starting'))
    },

    async run(_now, { members }) {
      for (const name of members) await runPart(daemon, itself, { name, run: 'running' })
    },

    async remove(now, { members: [name] }) {
      if (name !== undefined) await removeMember(daemon, now, name)
    },

    /** A rollout of what serves, which replaces those that were lost: its gate holds for them as for any other. */
    async repair(now, { members }) {
      const serves = now.members?.value.serves
      if (!serves) return
      const at = timestamp(daemon.env)
      const rollout: RolloutRecord = {
        ...{
          schema: schemaVersion,
          id: daemon.env.id(),
          site: now.name,
          from: serves.to,
          by: itself.name,
          repair: true,
        },
        ...{ ...serves, config: { ...serves.config, before: null }, created: at, since: at },
        ...{ state: 'running', step: 'start', old: members, new: [] },
      }
      await writeMembers(daemon, now, (record) => record, {
        compare: [
          { key: keys.site(now.name), revision: now.site?.revision ?? 0 },
          { key: keys.rollout(now.name), revision: now.rollout?.revision ?? 0 },
        ],
        writes: [{ put: keys.rollout(now.name), value: rollout }],
      })
    },

    give: (now, { members: [name = ''] }) => jobs.give(now, name),

    async forget(now) {
      await removeSiteRoutes(daemon, now.name)
      await finishRemoval(daemon, itself, now.name)
    },

    async wait() {},
  }

  return {
    async act(now, action) {
      await (handlers[action.do] as (now: SiteNow, action: RunAction) => Promise<void>)(now, action)
      nudge(now.name)
    },
    clear: (site) => removeSiteRoutes(daemon, site),
    settle({ name }, isSettled) {
      if (!isSettled) return
      const { operations } = daemon
      operations.settle(runGoal(name), operations.mark(), { end: 'met' })
    },
  }
}
