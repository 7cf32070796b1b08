/** Limits of guests need these controllers, in cgroup v1, v2, or both side by side. */
import type { Finding } from '../../api/resources.ts'
import { parseCgroupMounts } from '../../drivers/runtime/lxc/cgroup.ts'
import { ok, red, type Theme } from './finding.ts'
import type { Look } from './look.ts'

export interface CgroupFacts {
  readonly v1: readonly string[]
  /** Undefined when v2 is not mounted; an empty list in a hybrid host. */
  readonly v2: readonly string[] | undefined
}

const wanted = ['memory', 'cpu', 'pids', 'freezer', 'devices'] as const
/** In v2 every group can freeze, and devices are filtered by programs: neither is listed as a controller. */
const alwaysInV2: readonly string[] = ['freezer', 'devices']

export const cgroups: Theme = { name: 'cgroups', examine: async (look) => judgeCgroups(await readCgroups(look)) }

export function judgeCgroups({ v1, v2 }: CgroupFacts): Finding[] {
  if (v1.length === 0 && v2 === undefined)
    return [
      red(
        'cgroups',
        'no cgroups are mounted (in a network namespace of "ip netns exec" they are hidden)',
        'mount -t cgroup2 none /sys/fs/cgroup',
      ),
    ]
  const hasV2Only = v1.length === 0
  const missing = wanted.filter(
    (name) => !v1.includes(name) && !v2?.includes(name) && !(hasV2Only && alwaysInV2.includes(name)),
  )
  if (missing.length > 0) return missing.map((name) => red('cgroups', `no controller "${name}"`, mendOf(name)))
  const kind = hasV2Only
    ? 'v2'
    : v2 === undefined
      ? 'v1'
      : v2.length === 0
        ? 'v1 beside an empty v2'
        : 'v1 and v2 mixed'
  return [ok('cgroups', `${kind}: ${wanted.join(', ')}`)]
}

const mendOf = (name: string): string =>
  name === 'memory'
    ? 'add cgroup_enable=memory to the kernel’s command line (GRUB_CMDLINE_LINUX), update-grub, reboot'
    : `add systemd.unified_cgroup_hierarchy=1 to the kernel’s command line, or mount -t cgroup -o ${name} none /sys/fs/cgroup/${name}`

async function readCgroups(look: Look): Promise<CgroupFacts> {
  const { v1, v2 } = parseCgroupMounts((await look.text('/proc/self/mounts')) ?? '')
  const controllers = v2 === undefined ? undefined : await look.text(`${v2}/cgroup.controllers`)
  return {
    v1: [...v1.keys()].filter((name) => !name.startsWith('name=')),
    v2: v2 === undefined ? undefined : (controllers ?? '').split(/\s+/).filter((name) => name !== ''),
  }
}
