/** Where LXC's things of a guest lie. All paths are made of the state directory and a number. */
import { join } from 'node:path'
import { CroftError } from '../../../api/errors.ts'

export interface LxcOptions {
  /** Folder of all guests' configurations; 0711, short: the monitor's socket name holds it. */
  readonly lxcPath: string
  /** First part of every cgroup path, like `croft.1`: two daemons on one machine differ in it. */
  readonly cgroup: string
  /** A start that takes longer has a hook that hangs. */
  readonly startTimeoutMs?: number
  /** Where lxcfs is mounted, when it runs. */
  readonly lxcfs?: string
  /** What of the host is croft's, and so in no guest. */
  readonly own?: readonly string[]
}

export interface Layout {
  readonly folder: string
  readonly config: string
  readonly definition: string
  readonly seccomp: string
  /** Bound read-only into the guest at /dev/.croft. */
  readonly first: string
  /** Folders of the host in the guest: what they are, how the monitor binds them, and where. */
  readonly mounts: string
  readonly fstab: string
  readonly binds: string
  readonly log: string
  readonly console: string
  readonly consoleStart: string
  readonly pidFile: string
  /** Name of the monitor's command socket, without the leading zero byte. */
  readonly socket: string
  readonly cgroup: string
  readonly lock: string
}

/** One for all guests. */
export const seccompFile = (lxcPath: string): string => join(lxcPath, 'seccomp')

export function layoutOf(options: LxcOptions, number: number): Layout {
  if (!Number.isInteger(number) || number < 1 || number > 65534)
    throw new CroftError('BAD_VALUE', `no guest has the number ${number}`)
  const folder = join(options.lxcPath, String(number))
  return {
    folder,
    config: join(folder, 'config'),
    definition: join(folder, 'definition'),
    seccomp: seccompFile(options.lxcPath),
    first: join(folder, 'first'),
    mounts: join(folder, 'mounts.json'),
    fstab: join(folder, 'fstab'),
    binds: join(folder, 'binds'),
    log: join(folder, 'log'),
    console: join(folder, 'console.log'),
    consoleStart: join(folder, 'console.start'),
    pidFile: join(folder, 'monitor.pid'),
    socket: `${options.lxcPath}/${number}/command`,
    cgroup: `${options.cgroup}/${number}`,
    lock: join('/run/lxc/lock', options.lxcPath, `.${number}`),
  }
}
