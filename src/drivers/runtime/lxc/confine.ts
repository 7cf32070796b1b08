/** What others that run LXC beside the guests share with them: the filter of system calls, and cgroups that go away. */
import { readFileSync } from 'node:fs'
import { killQuietly } from '../../exec/kill.ts'
import type { Confinement } from '../../image/confinement.ts'
import { Cgroup, parseCgroupMounts } from './cgroup.ts'
import { seccompProfile } from './seccomp.ts'

export function confinementIn(cgroup: string): Confinement {
  const roots = parseCgroupMounts(readFileSync('/proc/self/mounts', 'utf8'))
  return {
    ...{ cgroup, seccomp: seccompProfile() },
    async sweep(path) {
      await new Cgroup(roots, path).sweep(killQuietly)
    },
    prune: () => new Cgroup(roots, cgroup).prune(),
  }
}
