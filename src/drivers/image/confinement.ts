/** What a room is closed in with; of the runtime, whose tools make it. */
export interface Confinement {
  readonly seccomp: string
  /** Where its cgroups are made, like `croft.1/tools`. */
  readonly cgroup: string
  /** Takes that one away, and what still runs in it and below. */
  sweep(cgroup: string): Promise<void>
  /** Takes the folder away in which they were made, when it is empty. */
  prune(): Promise<void>
}
