/** Who the members are and how they are, asked of the members themselves (etcd's cluster and maintenance API). */
import { CroftError } from '../../api/errors.ts'
import { away, Refused, toCroft } from './faults.ts'
import { type Answer, Link } from './link.ts'
import type { TlsSource } from './transport.ts'

export interface ClusterMember {
  readonly id: string
  /** The host's; empty until it has come for the first time. */
  readonly name: string
  readonly peerUrls: readonly string[]
  /** Empty until it has come for the first time. */
  readonly clientUrls: readonly string[]
  /** It copies and does not vote yet. */
  readonly learner: boolean
}

export interface MemberStatus {
  readonly version: string
  readonly sizeBytes: number
  readonly usedBytes: number
  readonly revision: number
  /** The id of the one that it follows; undefined when it knows none. */
  readonly leader: string | undefined
  readonly raftIndex: number
  /** Alarms, in etcd's words: no space left, damage. */
  readonly errors: readonly string[]
}

export interface Cluster {
  members(): Promise<readonly ClusterMember[]>
  /** To be told before the member starts as `existing`. */
  add(peerUrl: string, options?: { readonly learner?: true }): Promise<ClusterMember>
  /** BUSY while the learner has not caught up; again does no harm. */
  promote(id: string): Promise<void>
  /** NOT_FOUND when it is none any more. */
  remove(id: string): Promise<void>
  /** Of one member; STORE_CLOSED when it does not answer. */
  status(clientUrl: string): Promise<MemberStatus>
  /** The member stands still meanwhile: one at a time. */
  defragment(clientUrl: string): Promise<void>
  /** All of the store as it is now, in pieces; a file of them is what `Member.restore` takes. */
  snapshot(signal: AbortSignal): AsyncIterable<Uint8Array>
  close(): Promise<void>
}

export interface ClusterOptions {
  /** Of the members that are known; the nearest first. */
  readonly endpoints: readonly string[]
  readonly tls: TlsSource
  readonly patienceMs?: number
}

export function openCluster({ endpoints, tls, patienceMs = 6000 }: ClusterOptions): Cluster {
  const link = new Link({ endpoints, tls, patienceMs, now: () => performance.now() })

  async function ask<A extends Answer>(path: string, body: object = {}, does: 'read' | 'write' = 'read'): Promise<A> {
    return speaking(link.ask<A>({ path: `/v3${path}`, body }, does))
  }
  const members = async (): Promise<readonly ClusterMember[]> => {
    const { members: found = [] } = await ask<Answer & { readonly members?: readonly Told[] }>('/cluster/member/list')
    return found.map(toMember)
  }

  return {
    members,
    async add(peerUrl, { learner } = {}) {
      // One that was told of before, by who died since, is the same.
      const known = (await members()).find(({ peerUrls }) => peerUrls.includes(peerUrl))
      if (known) return known
      const body = { peerURLs: [peerUrl], ...(learner ? { isLearner: true } : {}) }
      const { member } = await ask<Answer & { readonly member?: Told }>('/cluster/member/add', body, 'write')
      if (member) return toMember(member)
      throw new CroftError('FAILED', `the store took no member at ${peerUrl}`, { hint: 'croft farm store' })
    },
    async promote(id) {
      const learner = (await members()).find((member) => member.id === id)
      if (learner && !learner.learner) return
      await ask('/cluster/member/promote', { ID: id }, 'write')
    },
    async remove(id) {
      await ask('/cluster/member/remove', { ID: id }, 'write')
    },
    async status(clientUrl) {
      return toStatus(await speaking(link.askOf<ToldStatus>(clientUrl, { path: '/v3/maintenance/status', body: {} })))
    },
    async defragment(clientUrl) {
      await speaking(link.askOf(clientUrl, { path: '/v3/maintenance/defragment', body: {} }, defragmentMs))
    },
    async *snapshot(signal) {
      const pieces = link.stream<{ readonly blob?: string; readonly remaining_bytes?: string }>(
        { path: '/v3/maintenance/snapshot', body: {} },
        signal,
      )
      let last = 0
      try {
        for await (const { blob } of pieces) {
          if (blob === undefined) continue
          const piece = Buffer.from(blob, 'base64')
          last = piece.length
          yield piece
        }
      } catch (thrown) {
        throw toCroft(thrown)
      }
      if (last !== hashBytes) throw away(`its snapshot ended early, with ${last} bytes`)
    },
    async close() {
      link.close(new CroftError('STORE_CLOSED', 'the store is closed', { hint: 'croft doctor' }))
    },
  }
}

const defragmentMs = 120_000
/** The last piece of a whole snapshot is the SHA-256 of the others. */
const hashBytes = 32

/** As the gateway writes it: zeros and false are left out. */
interface Told {
  readonly ID?: string
  readonly name?: string
  readonly peerURLs?: readonly string[]
  readonly clientURLs?: readonly string[]
  readonly isLearner?: boolean
}

const toMember = ({ ID = '0', name = '', peerURLs = [], clientURLs = [], isLearner = false }: Told): ClusterMember => ({
  ...{ id: ID, name, peerUrls: peerURLs, clientUrls: clientURLs, learner: isLearner },
})

interface ToldStatus extends Answer {
  readonly version?: string
  readonly dbSize?: string
  readonly dbSizeInUse?: string
  readonly leader?: string
  readonly raftIndex?: string
  readonly errors?: readonly string[]
}

function toStatus(told: ToldStatus): MemberStatus {
  const { version = '', dbSize = '0', dbSizeInUse = '0', leader = '0', raftIndex = '0', errors = [], header } = told
  return {
    version,
    sizeBytes: Number(dbSize),
    usedBytes: Number(dbSizeInUse),
    revision: Number(header?.revision ?? 0),
    leader: leader === '0' ? undefined : leader,
    raftIndex: Number(raftIndex),
    errors,
  }
}

async function speaking<Result>(work: Promise<Result>): Promise<Result> {
  try {
    return await work
  } catch (thrown) {
    if (!(thrown instanceof Refused)) throw toCroft(thrown)
    const { message } = thrown.refusal
    if (message.includes('member not found')) throw new CroftError('NOT_FOUND', 'it is no member of the store')
    if (/in sync with leader|unhealthy cluster|can only promote|not enough started/.test(message))
      throw new CroftError('BUSY', `the store: ${message}`, { hint: 'croft farm store', cause: thrown })
    throw toCroft(thrown)
  }
}
