/** History, revert, operations and raw records. */
import { isDeepStrictEqual } from 'node:util'

import { CroftError } from '../../../api/errors.ts'
import type { GuestSpec } from '../../../api/guest.ts'
import type { DataEntry, HistoryEntry, Operation } from '../../../api/resources.ts'
import { revertSpec } from '../../../plan/guest-change.ts'
import { historyPrefix, listHistory, toHistoryEntry } from '../../../store/history.ts'
import { getFarm } from '../../daemon.ts'
import { cancelBuild } from '../../records/builds.ts'
import { accepted, commit } from '../../records/change.ts'
import { changeSpec } from '../../records/guest-spec.ts'
import { getGuestToChange, viewGuest } from '../../records/guests.ts'
import { readAll } from '../../records/records.ts'
import { isBase } from '../../records/templates.ts'
import type { Handlers } from '../handler.ts'
import { revertConfig } from './config.ts'
import { revertRouteTo } from './route-revert.ts'

const secretPrefixes = ['secrets/', 'seeds/', 'tokens/', 'invites/', 'certificates/', 'acme/']

export const handlers = {
  async listHistory(daemon, { query }): Promise<readonly HistoryEntry[]> {
    const page = { limit: query.limit ?? 50, ...(query.after === undefined ? {} : { after: query.after }) }
    const of = query.kind !== undefined && query.name !== undefined ? { kind: query.kind, name: query.name } : undefined
    return (await listHistory(daemon.store, of, page)).entries
  },

  /** A revert is a change like any other: it is in the history, and can be reverted. */
  async revert(daemon, { body, query, caller }) {
    if (!['guest', 'route', 'config'].includes(body.kind))
      throw new CroftError(
        'REFUSED',
        `a ${body.kind} cannot be put back; settings of guests and routes, and configurations can`,
        {
          hint:
            body.kind === 'site'
              ? `croft config revert ${body.name} REVISION   (croft config history ${body.name})`
              : `croft history ${body.kind} ${body.name}`,
        },
      )
    const entries = await readAll<object>(daemon.store, historyPrefix(body))
    const found = entries
      .map(({ key, revision, value }) => toHistoryEntry({ key, revision, createRevision: revision, value }))
      .find((entry) => entry.revision === body.revision)
    if (!found)
      throw new CroftError('NOT_FOUND', `${body.kind} "${body.name}" has no change at revision ${body.revision}`, {
        hint: `croft history ${body.kind} ${body.name}`,
      })
    if (body.kind === 'config') return revertConfig(daemon, found, { query, caller })
    if (body.kind === 'route') return revertRouteTo(daemon, found, { query, caller })
    const [before, after] = [found.before, found.after] as (Partial<GuestSpec> | null)[]
    if (!before?.limits || !after?.limits)
      throw new CroftError('REFUSED', `revision ${body.revision} (${found.verb}) has nothing to go back to`, {
        hint: `croft history guest ${body.name}`,
      })
    const revert = (spec: GuestSpec) => revertSpec(spec, before as GuestSpec, after as GuestSpec)
    const { spec } = (await getGuestToChange(daemon, body.name, 'revert')).value
    if (!query.dryRun && isDeepStrictEqual(revert(spec), spec))
      return { operation: null, result: await viewGuest(daemon, body.name), unchanged: true }
    const reverted = await changeSpec(
      daemon,
      { name: body.name, verb: `revert ${body.revision}`, query, caller },
      revert,
    )
    await getFarm(daemon).loop.gate.refresh()
    return reverted
  },

  async listOperations(daemon, { query }) {
    const all = await daemon.operations.list()
    return (query.outer ? all.filter((each) => !isOfBuild(each)) : all).slice(0, query.limit ?? 50)
  },

  async getOperation(daemon, { params, query }) {
    return query.wait === undefined
      ? daemon.operations.get(params.operation)
      : daemon.operations.wait(params.operation, query.wait, query.seen)
  },

  async cancelOperation(daemon, { params }) {
    const operation = await daemon.operations.get(params.operation)
    const goal = daemon.operations.goalOf(params.operation)
    if (operation.state !== 'running') return operation
    if (goal?.kind === 'template' && getFarm(daemon).loop.cancelTemplate(goal.id))
      return daemon.operations.wait(params.operation, 5000)
    if (goal?.kind === 'move' && getFarm(daemon).loop.between.moves.cancel(goal.id))
      return daemon.operations.wait(params.operation, 5000)
    if (goal?.kind === 'drain' && (await getFarm(daemon).loop.between.moves.drains.cancel(goal.id)))
      return daemon.operations.wait(params.operation, 5000)
    if (goal?.kind === 'replica') {
      const { cancelReplica } = await import('../../replicas/cancel.ts')
      await cancelReplica(getFarm(daemon), goal.id)
      return daemon.operations.wait(params.operation, 5000)
    }
    if (goal?.kind === 'build') {
      await cancelBuild(daemon, goal.id)
      return daemon.operations.wait(params.operation, 5000)
    }
    if (goal?.kind === 'rollout' && operation.verb !== 'start' && operation.verb !== 'stop') {
      const { cancelRollout } = await import('../../records/rollouts.ts')
      await cancelRollout(daemon, goal.id)
      return daemon.operations.wait(params.operation, 5000)
    }
    throw new CroftError(
      'REFUSED',
      `"${operation.verb} ${operation.target.name}" cannot be cancelled: it is a wish that the host works on`,
      { hint: `croft rm ${operation.target.name}, or croft revert` },
    )
  },

  async listData(daemon, { query }): Promise<DataEntry[]> {
    const page = { limit: query.limit ?? 1000, ...(query.after === undefined ? {} : { after: query.after }) }
    const { entries } = await daemon.store.list(query.prefix ?? '', page)
    return entries
      .filter(({ key }) => !secretPrefixes.some((prefix) => key.startsWith(prefix)))
      .map(({ key, revision, value }) => ({ key, revision, value }))
  },

  /** Raw records name pools' paths and hosts' ids: an operator from afar, who is not trusted with hosts, writes none. */
  async setData(daemon, { body, query, caller }) {
    if (caller.token !== undefined)
      throw new CroftError('FORBIDDEN', 'raw records are written by root on a host of the farm', {
        hint: `there: croft data set ${query.key}`,
      })
    if (secretPrefixes.some((prefix) => query.key.startsWith(prefix)))
      throw new CroftError('REFUSED', `${query.key} is not written by hand`, { hint: 'croft token ls' })
    const { entry } = await daemon.store.get(query.key)
    if (query.ifRevision !== undefined && query.ifRevision !== (entry?.revision ?? 0)) {
      throw new CroftError(
        'CHANGED_MEANWHILE',
        `${query.key} is at revision ${entry?.revision ?? 0}, not ${query.ifRevision}`,
        { hint: `croft data get ${query.key}` },
      )
    }
    const gone = body.value === null || body.value === undefined
    if (query.dryRun)
      return {
        operation: null,
        result: null,
        steps: [{ what: query.key, step: gone ? 'delete' : 'put', detail: 'write the raw record' }],
      }
    const operation = await commit(daemon, caller, query, async () => ({
      kind: 'data',
      name: query.key,
      verb: 'set',
      before: entry?.value ?? null,
      after: body.value ?? null,
      compare: [{ key: query.key, revision: entry?.revision ?? 0 }],
      writes: [gone ? { delete: query.key } : { put: query.key, value: body.value }],
    }))
    return accepted(daemon, query, operation, async () => (await daemon.store.get(query.key)).entry ?? null)
  },
} satisfies Partial<Handlers>

/** A build's own guest, and the base that it is made on: steps of the operation that the build is. */
const isOfBuild = ({ target: { kind, name } }: Operation): boolean =>
  (kind === 'guest' && name.split('/')[1] === 'build') || (kind === 'template' && isBase(name))
