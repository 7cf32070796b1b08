/**
 * The whole LXC configuration of a guest, as text. No lxc.include: the shipped common.conf has a hook that sleeps half a
 * second on stop and lets device nodes through. Keys: lxc.container.conf(5).
 */
import { isIPv6 } from 'node:net'
import { CroftError } from '../../../api/errors.ts'
import { gateway4, gateway6, uidRangeSize } from '../../../plan/addresses.ts'
import type { Definition } from '../driver.ts'
import { guestProfile } from './apparmor.ts'
import { commandInit } from './command.ts'
import type { Layout } from './layout.ts'
import { mountEntries } from './mounts.ts'

type Line = readonly [key: string, value: string | number]

/** null, zero, full, random, urandom, tty, console, ptmx, pts: nothing else can be opened, whatever node a guest finds. */
export const devices = ['c 1:3', 'c 1:5', 'c 1:7', 'c 1:8', 'c 1:9', 'c 5:0', 'c 5:1', 'c 5:2', 'c 136:*']
export const droppedCapabilities =
  'sys_rawio sys_module sys_time mac_admin mac_override sys_boot syslog wake_alarm block_suspend audit_control'

export interface HostAbilities {
  readonly appArmor: boolean
  /** Where lxcfs is mounted, when it runs. */
  readonly lxcfs?: string | undefined
}

export function lxcConfig(guest: Definition, layout: Layout, host: HostAbilities): string {
  const lines = [
    ...identity(guest),
    ...confinement(guest, layout, host),
    ...network(guest),
    ...cgroups(guest, layout),
    ...files(layout, guest),
    ...mountEntries(guest, layout).map((entry): Line => ['lxc.mount.entry', entry]),
    ...ownFigures(host),
  ]
  return `${lines.map(([key, value]) => `${key} = ${checked(key, String(value))}`).join('\n')}\n`
}

/** A newline would begin another key, and any key of LXC can run a program on the host. */
export function checked(key: string, value: string): string {
  if (value === '' || /[\p{C}\p{Zl}\p{Zp}]/u.test(value)) {
    throw new CroftError('BAD_VALUE', `the value for ${key} holds a control character or is empty`)
  }
  return value
}

function identity(guest: Definition): Line[] {
  return [
    ['lxc.uts.name', guest.hostName],
    ['lxc.rootfs.path', `dir:${guest.rootPath}`],
    ['lxc.rootfs.options', 'idmap=container'],
    ['lxc.idmap', `u 0 ${guest.uidBase} ${uidRangeSize}`],
    ['lxc.idmap', `g 0 ${guest.uidBase} ${uidRangeSize}`],
  ]
}

function confinement(guest: Definition, layout: Layout, host: HostAbilities): Line[] {
  return [
    ['lxc.cap.drop', droppedCapabilities],
    ['lxc.seccomp.profile', layout.seccomp],
    ['lxc.prlimit.core', 0],
    ['lxc.tty.max', 0],
    ['lxc.pty.max', 1024],
    ['lxc.autodev', 1],
    ['lxc.mount.auto', 'proc:mixed sys:mixed cgroup:mixed'],
    ...(host.appArmor ? ([['lxc.apparmor.profile', guestProfile]] as const) : []),
    ...(guest.nesting ? nesting() : []),
  ]
}

/**
 * The kernel lets a user namespace mount proc and sysfs only where a whole one can be seen, and those of a guest are partly
 * covered: so a whole one of each lies at the place that LXC's own nesting uses. What is global in them stays owned by the
 * host's root, who is nobody in the guest.
 */
function nesting(): Line[] {
  return [
    ['lxc.mount.entry', 'proc dev/.lxc/proc proc create=dir,optional 0 0'],
    ['lxc.mount.entry', 'sysfs dev/.lxc/sys sysfs create=dir,optional 0 0'],
  ]
}

function network(guest: Definition): Line[] {
  const { link } = guest
  return [
    ['lxc.net.0.type', 'veth'],
    ['lxc.net.0.veth.mode', 'router'],
    ['lxc.net.0.veth.pair', link.name],
    ['lxc.net.0.name', 'eth0'],
    ['lxc.net.0.flags', 'up'],
    ['lxc.net.0.mtu', link.mtu],
    ['lxc.net.0.hwaddr', link.mac],
    ['lxc.net.0.ipv4.address', `${link.ipv4}/32`],
    ['lxc.net.0.ipv4.gateway', gateway4],
    ['lxc.net.0.ipv6.address', `${link.ipv6}/128`],
    ['lxc.net.0.ipv6.gateway', gateway6],
    ...link.more.map(
      (address): Line =>
        isIPv6(address) ? ['lxc.net.0.ipv6.address', `${address}/128`] : ['lxc.net.0.ipv4.address', `${address}/32`],
    ),
  ]
}

/** Keys for cgroup v1 and v2 stand side by side: LXC takes those of the version that the host has. */
function cgroups(guest: Definition, layout: Layout): Line[] {
  const { memoryBytes, cpus, processes } = guest.limits
  const lines: Line[] = [
    ['lxc.cgroup.dir.monitor', `${layout.cgroup}/monitor`],
    ['lxc.cgroup.dir.monitor.pivot', `${layout.cgroup}/pivot`],
    ['lxc.cgroup.dir.container', `${layout.cgroup}/guest`],
    ['lxc.cgroup.dir.container.inner', 'ns'],
  ]
  for (const version of ['lxc.cgroup', 'lxc.cgroup2']) {
    lines.push([`${version}.devices.deny`, 'a'])
    for (const device of devices) lines.push([`${version}.devices.allow`, `${device} rwm`])
    if (processes !== undefined) lines.push([`${version}.pids.max`, processes])
  }
  if (memoryBytes !== undefined)
    lines.push(['lxc.cgroup.memory.limit_in_bytes', memoryBytes], ['lxc.cgroup2.memory.max', memoryBytes])
  if (cpus !== undefined)
    lines.push(['lxc.cgroup.cpu.cfs_quota_us', quotaUs(cpus)], ['lxc.cgroup2.cpu.max', `${quotaUs(cpus)} ${periodUs}`])
  const { diskRate } = guest.limits
  if (diskRate !== undefined && guest.disk !== undefined) {
    for (const way of ['read', 'write'])
      lines.push([`lxc.cgroup.blkio.throttle.${way}_bps_device`, `${guest.disk} ${diskRate}`])
    lines.push(['lxc.cgroup2.io.max', `${guest.disk} rbps=${diskRate} wbps=${diskRate}`])
  }
  return lines
}

export const periodUs = 100_000
export const quotaUs = (cpus: number): number => Math.max(1000, Math.round(cpus * periodUs))

/** Nothing is bound on a path the guest can change: dev is LXC's own tmpfs, made anew at each start. */
function files(layout: Layout, { command }: Definition): Line[] {
  return [
    ['lxc.mount.entry', `${layout.first} dev/.croft none bind,ro,create=dir 0 0`],
    command ? ['lxc.init.cmd', commandInit] : ['lxc.hook.start', '/dev/.croft/first'],
    ['lxc.console.logfile', layout.console],
    ['lxc.console.size', '256KB'],
    ['lxc.console.rotate', 1],
  ]
}

/**
 * What the guest reads of itself instead of the host. LXC binds them over its own fresh proc before anything of the guest
 * runs; `optional`: without lxcfs, or with one that is dead, the guest starts and reads the host's.
 */
function ownFigures({ lxcfs }: HostAbilities): Line[] {
  if (lxcfs === undefined) return []
  return ['cpuinfo', 'meminfo', 'stat', 'swaps', 'uptime'].map((name) => [
    'lxc.mount.entry',
    `${lxcfs}/proc/${name} proc/${name} none bind,ro,optional 0 0`,
  ])
}

/** Name on the host of the link that a configuration written here asks for. */
export const linkOf = (config: string): string | undefined => /^lxc\.net\.0\.veth\.pair = (\S+)$/m.exec(config)?.[1]
