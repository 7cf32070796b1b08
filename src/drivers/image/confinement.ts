/** What a room is closed in with; of the runtime, whose tools make it. */
export interface Confinement {
  readonly seccomp: string
  /** Where its cgroups are made, like `croft.1/tools`. */
  readonly cgroup: string
  /** Takes them away, and what still runs in them. */
  sweep(): Promise<void>
}
