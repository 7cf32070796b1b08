/** What the kernel must be able to do: idmapped mounts on btrfs, user namespaces, seccomp, veth. */
import type { Finding } from '../../api/resources.ts'
import { ok, red, type Theme } from './finding.ts'
import type { Look } from './look.ts'

export interface KernelFacts {
  readonly release: string
  readonly maxUserNamespaces: number | undefined
  /** True, false, or undefined when nothing says so. */
  readonly btrfs: boolean | undefined
  readonly veth: boolean | undefined
  readonly seccomp: boolean
}

/** btrfs mounts with shifted ids since 5.15. */
const leastVersion = [5, 15] as const

export const kernel: Theme = { name: 'kernel', examine: async (look) => judgeKernel(await readKernel(look)) }

export function judgeKernel(facts: KernelFacts): Finding[] {
  const wrong: Finding[] = []
  if (!isNewEnough(facts.release)) {
    const least = leastVersion.join('.')
    wrong.push(
      red(
        'kernel',
        `Linux ${facts.release}; guests' disks need ${least} (idmapped mounts on btrfs)`,
        'apt-get install linux-image-amd64, then reboot',
      ),
    )
  }
  if (facts.maxUserNamespaces === undefined)
    wrong.push(red('kernel', 'this kernel has no user namespaces', 'boot a kernel with CONFIG_USER_NS'))
  if (facts.maxUserNamespaces === 0)
    wrong.push(
      red('kernel', 'user.max_user_namespaces is 0: no guest can start', 'sysctl -w user.max_user_namespaces=96365'),
    )
  if (facts.btrfs === false) wrong.push(red('kernel', 'this kernel has no btrfs', 'boot a kernel with CONFIG_BTRFS_FS'))
  if (facts.veth === false) wrong.push(red('kernel', 'this kernel has no veth links', 'boot a kernel with CONFIG_VETH'))
  if (!facts.seccomp)
    wrong.push(
      red('kernel', 'this kernel filters no system calls (seccomp)', 'boot a kernel with CONFIG_SECCOMP_FILTER'),
    )
  return wrong.length > 0
    ? wrong
    : [ok('kernel', `Linux ${facts.release}: user namespaces, idmapped mounts, btrfs, seccomp`)]
}

function isNewEnough(release: string): boolean {
  const [major = 0, minor = 0] = release.split(/[.-]/).map(Number)
  return major > leastVersion[0] || (major === leastVersion[0] && minor >= leastVersion[1])
}

async function readKernel(look: Look): Promise<KernelFacts> {
  const release = (await look.text('/proc/sys/kernel/osrelease'))?.trim() ?? 'unknown'
  const [most, fileSystems, actions] = await Promise.all([
    look.text('/proc/sys/user/max_user_namespaces'),
    look.text('/proc/filesystems'),
    look.text('/proc/sys/kernel/seccomp/actions_avail'),
  ])
  const modules = await readModules(look, release)
  const hasBtrfs = /\bbtrfs$/m.test(fileSystems ?? '')
  return {
    release,
    maxUserNamespaces: most === undefined ? undefined : Number(most),
    btrfs: hasBtrfs || (modules !== undefined && /\/btrfs\.ko/.test(modules)),
    veth: modules === undefined ? undefined : /\/veth\.ko/.test(modules),
    seccomp: actions?.includes('errno') ?? false,
  }
}

/** Undefined when the kernel came without one of the lists of its modules: then they prove nothing. */
async function readModules(look: Look, release: string): Promise<string | undefined> {
  const folder = `/lib/modules/${release}`
  const [loadable, builtIn] = await Promise.all([
    look.text(`${folder}/modules.dep`),
    look.text(`${folder}/modules.builtin`),
  ])
  return loadable === undefined || builtIn === undefined ? undefined : `${loadable}\n${builtIn}`
}
