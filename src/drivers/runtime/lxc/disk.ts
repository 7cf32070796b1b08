/**
 * A tool at work on the disk of a guest that does not run. LXC makes a container of that disk, mounted idmapped, without
 * network and with a guest's powers at most; in it runs our busybox, statically linked, from LXC's own dev, and nothing of the guest's.
 * So links lead where they would in the guest, and its ids are the guest's.
 */
import { existsSync } from 'node:fs'
import { CroftError } from '../../../api/errors.ts'
import { uidRangeSize } from '../../../plan/addresses.ts'
import type { Command } from '../../exec/command.ts'
import type { Disk } from '../driver.ts'
import { withoutNewuidmap } from './commands.ts'
import { checked, devices, droppedCapabilities } from './config.ts'
import { type Layout, type LxcOptions, layoutOf } from './layout.ts'

const busyboxes = ['/usr/bin/busybox', '/bin/busybox']
const mostProcesses = 64

export function diskCommand(options: LxcOptions, disk: Disk, busybox = findBusybox()): Command {
  const settings = diskSettings(layoutOf(options, disk.number), disk, busybox)
  return {
    file: '/usr/bin/lxc-execute',
    args: [
      ...[
        '-P',
        options.lxcPath,
        '-n',
        `files-${disk.number}-${disk.id}`,
        '-f',
        '/dev/null',
        '-o',
        '/dev/null',
        '-l',
        'ERROR',
      ],
      ...settings.flatMap(([key, value]) => ['-s', `${key}=${checked(key, String(value))}`]),
      ...['--', '/dev/busybox'],
    ],
    env: { PATH: withoutNewuidmap },
    timeoutMs: 24 * 3600 * 1000,
  }
}

type Setting = readonly [key: string, value: string | number]

function diskSettings({ cgroup, seccomp }: Layout, disk: Disk, busybox: string): Setting[] {
  return [
    ['lxc.rootfs.path', `dir:${disk.rootPath}`],
    ['lxc.rootfs.options', 'idmap=container'],
    ['lxc.idmap', `u 0 ${disk.uidBase} ${uidRangeSize}`],
    ['lxc.idmap', `g 0 ${disk.uidBase} ${uidRangeSize}`],
    ['lxc.net.0.type', 'empty'],
    ['lxc.console.path', 'none'],
    ['lxc.tty.max', 0],
    ['lxc.pty.max', 1],
    ['lxc.autodev', 1],
    ['lxc.cap.drop', `${droppedCapabilities} mknod sys_ptrace net_admin`],
    ['lxc.seccomp.profile', seccomp],
    ['lxc.prlimit.core', 0],
    // In the guest's own folder: a start or removal of the guest sweeps it, and ends what works on its disk.
    ['lxc.cgroup.dir.monitor', `${cgroup}/${disk.id}-monitor`],
    ['lxc.cgroup.dir.monitor.pivot', `${cgroup}/pivot`],
    ['lxc.cgroup.dir.container', `${cgroup}/${disk.id}`],
    ...(['lxc.cgroup', 'lxc.cgroup2'] as const).flatMap((version): Setting[] => [
      [`${version}.devices.deny`, 'a'],
      ...devices.map((device): Setting => [`${version}.devices.allow`, `${device} rwm`]),
      [`${version}.pids.max`, mostProcesses],
    ]),
    ['lxc.mount.entry', `${busybox} dev/busybox none bind,ro,create=file 0 0`],
  ]
}

function findBusybox(): string {
  const found = busyboxes.find((file) => existsSync(file))
  if (found !== undefined) return found
  throw new CroftError('COMMAND_MISSING', 'busybox is not installed: files of a stopped guest cannot be reached', {
    hint: 'apt-get install busybox-static, or start the guest',
  })
}
