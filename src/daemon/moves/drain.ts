/** The beginning of an emptying: who goes where, who cannot, and the wish, which is written only when all that are to go can. */
import type { z } from 'zod'
import { CroftError } from '../../api/errors.ts'
import type { Drain, Host } from '../../api/host.ts'
import type { Accepted, PlannedStep } from '../../api/resources.ts'
import type { WriteQuery } from '../../api/schemas.ts'
import { type Daemon, getFarm } from '../daemon.ts'
import { timestamp } from '../env.ts'
import type { Caller } from '../http/access.ts'
import { accepted, assertRevision, type Change, commit } from '../records/change.ts'
import { type DrainRecord, drainGoal } from '../records/drains.ts'
import { settingsOf } from '../records/host-views.ts'
import { keys } from '../records/keys.ts'
import { type HostRecord, read, schemaVersion } from '../records/records.ts'
import { type DrainSight, sightOfDrain } from './drain-sight.ts'

export interface AskedDrain {
  readonly caller: Caller
  readonly body: z.output<typeof Drain>
  readonly query: WriteQuery
}

export async function drainAndMove(
  daemon: Daemon,
  asked: AskedDrain,
  show: () => Promise<Host>,
): Promise<Accepted<Host>> {
  const { query, caller, body } = asked
  const { parts, loop } = getFarm(daemon)
  const { name } = parts.host
  if (query.dryRun) {
    const sight = await sightOfDrain(daemon, name)
    const why = body.some ? undefined : whyNot(name, sight)
    const warnings = why === undefined ? [] : [`nothing would be changed: ${why.message}`]
    return { operation: null, result: null, steps: stepsOf(name, sight), warnings }
  }
  const id = daemon.env.id()
  const operation = await commit(daemon, caller, query, () => newDrain(daemon, asked, id))
  loop.between.moves.drains.nudge()
  return accepted(daemon, query, operation, show)
}

async function newDrain(daemon: Daemon, { caller, body, query }: AskedDrain, id: string): Promise<Change> {
  const { store } = daemon
  const { name } = getFarm(daemon).parts.host
  const [host, running] = await Promise.all([
    read<HostRecord>(store, keys.host(name)),
    read<DrainRecord>(store, keys.drain(name)),
  ])
  if (!host) throw new CroftError('NOT_FOUND', `no host "${name}"`, { hint: 'croft host ls' })
  assertRevision(query, host.revision, `host ${name}`)
  if (running)
    throw new CroftError('BUSY', `guests of ${name} are on their way to other hosts already`, {
      hint: 'croft op ls · croft op wait ID',
    })
  const sight = await sightOfDrain(daemon, name)
  const why = body.some ? undefined : whyNot(name, sight)
  if (why) throw why
  const { plan, numbers } = sight
  const after: HostRecord = { ...host.value, drained: true }
  const record: DrainRecord = {
    ...{ schema: schemaVersion, id, host: name, by: caller.name, created: timestamp(daemon.env) },
    ...(body.rate === undefined ? {} : { rate: body.rate }),
    ...{
      parallel: body.parallel ?? 1,
      total: plan.goes.flatMap(({ guest }) => numbers.get(guest) ?? []).length,
      left: [],
    },
    stays: plan.stays.flatMap(({ guest }) => numbers.get(guest) ?? []),
  }
  return {
    ...{ kind: 'host', name, verb: 'drain', before: settingsOf(host.value), after: settingsOf(after) },
    compare: [
      { key: host.key, revision: host.revision },
      { key: keys.drain(name), revision: 0 },
    ],
    writes: [
      { put: host.key, value: after },
      { put: keys.drain(name), value: record },
    ],
    goal: drainGoal(id),
  }
}

const toldGuests = 20

/** Of all of them, and before anything is changed. */
function whyNot(host: string, { plan: { goes, stays } }: DrainSight): CroftError | undefined {
  if (stays.length === 0) return undefined
  const told = stays.slice(0, toldGuests).map(({ guest, why }) => `${guest}: ${why}`)
  const more = stays.length > told.length ? [`and ${stays.length - told.length} more`] : []
  const code = stays.some(({ kind }) => kind === 'room') ? 'NO_ROOM' : 'REFUSED'
  const all = goes.length + stays.length
  const what = `${stays.length} of ${all} guests cannot leave ${host}, so nothing was changed`
  return new CroftError(code, `${what} (${[...told, ...more].join('; ')})`, {
    hint: goes.length === 0 ? `croft host drain ${host}` : `croft host drain ${host} --move --some`,
  })
}

function stepsOf(host: string, { plan: { goes, stays }, leaving, isDrained }: DrainSight): PlannedStep[] {
  return [
    ...(isDrained ? [] : [{ what: host, step: 'drain', detail: 'it takes no new guests' }]),
    ...goes.map(({ guest, to, why }) => ({ what: guest, step: 'move', detail: `to ${to}: ${why}` })),
    ...leaving.map((what) => ({ what, step: 'leave', detail: 'begun elsewhere, then taken away here' })),
    ...stays.map(({ guest, why }) => ({ what: guest, step: 'stay', detail: why })),
  ]
}
