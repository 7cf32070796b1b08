/** Who the members are and how they are, asked of the members themselves (etcd's cluster and maintenance API). */

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
