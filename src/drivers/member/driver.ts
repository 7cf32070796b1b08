/**
 * A member of the farm's etcd on this host: a process that outlives the daemon. Its folder is all that is known of it, so
 * whoever comes next finds it there. What members say to each other, and who is one of them, is not decided here:
 * store/etcd/cluster.ts asks the members themselves.
 */
export interface MemberFiles {
  /** Whoever it signed is let in, and all that it is asked is done: a CA for hosts alone. Read when the member starts. */
  readonly ca: string
  /** Read anew for each connection: replaced by rename, a renewed one is in force at once. May be one file. */
  readonly cert: string
  readonly key: string
}

export interface MemberWish {
  /** The host's. */
  readonly name: string
  /** `https://198.51.100.1:2379`: for the daemons of all hosts. The member listens at the very address. */
  readonly clientUrl: string
  /** `https://198.51.100.1:2380`: for the other members. */
  readonly peerUrl: string
  /** All members, this one too. */
  readonly initial: readonly { readonly name: string; readonly peerUrl: string }[]
  /** `new` with the first member of a farm, `existing` when the others were told of it before (`Cluster.add`). */
  readonly state: 'new' | 'existing'
  /** Names this etcd and no other, not even the one that a snapshot of it was taken of: the farm's id and something new. */
  readonly token: string
  /** Absent in tests alone: whoever reaches the port would be root of the farm. */
  readonly tls?: MemberFiles
}

export type MemberState =
  /** Nothing of a member is in the folder. */
  | { readonly is: 'none' }
  | { readonly is: 'running'; readonly pid: number; readonly wish: MemberWish }
  /** It has data, and no process. `why`: its last lines. */
  | { readonly is: 'stopped'; readonly wish: MemberWish; readonly why: string }

export interface Member {
  state(): Promise<MemberState>
  /**
   * Writes the wish down and sees to it that the member runs by it: nothing when it does already, started anew when it
   * runs by another one, or trusts other CAs. Returns when it answers, or when it has run for a while without: then it
   * waits for a majority. FAILED with its last lines when it ends instead; DATA_LOST when it had data and that is gone.
   */
  start(wish: MemberWish): Promise<'serves' | 'waits'>
  /** Brings back the one that is written down; for the daemon's start and its loop. Undefined: there is none. */
  resume(): Promise<'serves' | 'waits' | undefined>
  /** Its data stays. */
  stop(): Promise<void>
  /** Ends it and removes its data: it is no member any more. */
  erase(): Promise<void>
  /**
   * Makes its data anew from a snapshot, as the one member of a new etcd, and starts it. The old data is kept beside it, at
   * the path that is returned, until the next restore. REFUSED when the file is no whole snapshot, or the token that of the
   * present data; then nothing has changed. Killed in the middle, the next start or resume finishes it.
   */
  restore(file: string, wish: MemberWish): Promise<{ readonly keptAt: string }>
}
