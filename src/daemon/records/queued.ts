/** A deploy behind the one that is under way: one of each site. It is written down as it was asked for, and decided when it is its turn. */
import { CroftError, isCode, toCroftError } from '../../api/errors.ts'
import type { Daemon } from '../daemon.ts'
import { timestamp } from '../env.ts'
import type { Caller } from '../http/access.ts'
import type { QueuedDeploy, RolloutRecord } from './app-records.ts'
import { alsoWrites, type Change } from './change.ts'
import { keys } from './keys.ts'
import { type Held, read } from './records.ts'
import { type Asked, decideRollout } from './rollouts.ts'
import { getSiteToChange } from './sites.ts'

const goalOf = (id: string) => ({ kind: 'rollout', id }) as const

/** Refused now for what it would be refused for then; what is known of it then counts. Undefined: nothing is under way any more. */
export async function decideQueued(
  daemon: Daemon,
  caller: Caller,
  asked: Asked,
  ids: { readonly id: string; readonly anew: string },
): Promise<Change | undefined> {
  const site = await getSiteToChange(daemon, asked.site)
  const under = await read<RolloutRecord>(daemon.store, keys.rollout(asked.site))
  if (under?.value.state !== 'running') return undefined
  const { next } = under.value
  if (next)
    throw new CroftError(
      'BUSY',
      `${asked.site} is being deployed by ${under.value.by}, and ${next.by} waits behind: ${next.verb}`,
      {
        hint: `croft site show ${asked.site} · croft op cancel ${next.id}`,
      },
    )
  await decideRollout(daemon, caller, { ...asked, later: true }, ids)
  const { site: name, verb, fresh: _, toBe: __, later: ___, ...said } = asked
  const wish = Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined))
  const queued: QueuedDeploy = {
    ...{ id: ids.id, by: caller.name, created: timestamp(daemon.env), verb },
    asked: wish as QueuedDeploy['asked'],
  }
  return {
    ...{ kind: 'site', name, verb, before: null, after: { waits: wish } },
    compare: [
      { key: site.key, revision: site.revision },
      { key: under.key, revision: under.revision },
    ],
    writes: [{ put: under.key, value: { ...under.value, next: queued } satisfies RolloutRecord }],
    goal: goalOf(ids.id),
  }
}

/** Its turn has come: it begins, there is nothing to do, or it is told why it cannot. */
export async function takeQueued(daemon: Daemon, held: Held<RolloutRecord>): Promise<void> {
  const { next, site } = held.value
  if (!next) return
  const caller: Caller = { name: next.by, role: 'operator' }
  const ids = { id: next.id, anew: next.id }
  try {
    const { change, rollout } = await decideRollout(daemon, caller, { ...next.asked, site, verb: next.verb }, ids)
    if (!rollout) return await dropQueued(daemon, held)
    await daemon.store.transact(change.compare, [...change.writes, ...alsoWrites(daemon, caller, undefined, change)])
  } catch (thrown) {
    if (isCode(thrown, 'CHANGED_MEANWHILE')) throw thrown
    await dropQueued(daemon, held, toCroftError(thrown))
  }
}

/** Without an error there was nothing to do. */
export async function dropQueued(daemon: Daemon, held: Held<RolloutRecord>, error?: CroftError): Promise<void> {
  const { next, ...rest } = held.value
  if (!next) return
  await daemon.store.transact([{ key: held.key, revision: held.revision }], [{ put: held.key, value: rest }])
  const { operations } = daemon
  operations.settle(goalOf(next.id), operations.mark(), error ? { end: 'failed', error } : { end: 'met' })
}
