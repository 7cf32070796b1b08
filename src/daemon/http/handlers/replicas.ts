/** Replicas of guests on other hosts: the wish, and what the other host answers. The work is loaded with the first one. */
import { CroftError } from '../../../api/errors.ts'
import type { Replica } from '../../../api/replica.ts'
import { getFarm } from '../../daemon.ts'
import { accepted, commit } from '../../records/change.ts'
import { getGuestRecord } from '../../records/guests.ts'
import type { Handlers } from '../handler.ts'

export const handlers = {
  async listReplicas(daemon, { query }): Promise<Replica[]> {
    const guest = query.guest === undefined ? undefined : (await getGuestRecord(daemon, query.guest)).value
    const { listReplicaViews } = await import('../../replicas/views.ts')
    return listReplicaViews(daemon, guest?.number)
  },

  async replicateGuest(daemon, { params, body, query, caller }) {
    const { newReplica, planSteps } = await import('../../replicas/new.ts')
    const asked = { guest: params.guest, verb: body.every === undefined ? 'copy' : 'replicate', ...body } as const
    if (query.dryRun) return { operation: null, result: null, steps: await planSteps(daemon, asked) }
    const operation = await commit(daemon, caller, query, () => newReplica(daemon, caller, asked))
    return accepted(daemon, query, operation, async () => {
      const { number } = (await getGuestRecord(daemon, params.guest)).value
      const { listReplicaViews } = await import('../../replicas/views.ts')
      return (await listReplicaViews(daemon, number)).find(({ host }) => host === body.to) ?? null
    })
  },

  async removeReplica(daemon, { params, query, caller }) {
    const { endReplica } = await import('../../replicas/new.ts')
    const decide = () => endReplica(daemon, params.guest, params.host)
    if (query.dryRun) {
      await decide()
      const step = { what: params.guest, step: 'removeReplica', detail: `what lies of it on ${params.host}` }
      return { operation: null, result: null, steps: [step] }
    }
    await commit(daemon, caller, query, decide)
    return { operation: null, result: null }
  },

  async receiveReplica(daemon, { params, caller, stream, closed }) {
    if (!stream) throw new CroftError('BAD_REQUEST', 'the body must be the disk itself: application/octet-stream')
    const { receiveReplica } = await import('../../replicas/receive.ts')
    const asked = { number: Number(params.number), disk: params.disk, stream, signal: closed }
    return receiveReplica(getFarm(daemon).parts, caller, asked)
  },

  async pruneReplica(daemon, { params, body, caller }) {
    const { pruneReplica } = await import('../../replicas/receive.ts')
    await pruneReplica(getFarm(daemon).parts, caller, { number: Number(params.number), disks: body.disks })
    return {}
  },
} satisfies Partial<Handlers>
