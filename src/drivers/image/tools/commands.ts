/** The words of the work on archives. Paths are ours; nothing that an archive says is among them. */
import { CroftError } from '../../../api/errors.ts'
import { uidRangeSize } from '../../../plan/addresses.ts'
import type { Command } from '../../exec/command.ts'
import type { ReadLimits } from '../driver.ts'

const workMs = 60 * 60_000
/** Who takes an archive may be slow; who takes nothing for so long is gone. */
const silenceMs = 5 * 60_000
const kept = 'chown dac_override fowner fsetid setfcap'
/** Enough for tar, and for no more. */
const memoryBytes = 512 * 1024 ** 2
const processes = 16
const extendedAttributes = ['--xattrs', '--xattrs-include=security.capability']

/** Beside the daemon's own file in a bundle, beside this one in the sources. */
const readerFile = import.meta.url.endsWith('.ts') ? '../reader/main.ts' : './reader.mjs'

/** It gives up being root before it reads the first byte; no new privileges, no network, no view of other processes. */
export const readerCommand = (uidBase: number, limits: ReadLimits, scratchBytes: number): Command => ({
  file: 'unshare',
  args: [
    ...['--mount', '--net', '--pid', '--ipc', '--uts', '--fork', '--kill-child=SIGKILL', '--'],
    ...['setpriv', '--bounding-set=-all,+setuid,+setgid', '--inh-caps=-all', '--no-new-privs', '--'],
    ...[process.execPath, '--max-old-space-size=512', new URL(readerFile, import.meta.url).pathname],
    ...[uidBase, limits.bytes, limits.files, scratchBytes].map(String),
  ],
  timeoutMs: workMs,
})

export interface Room {
  /** Of this work alone: LXC's own files, and the configuration. */
  readonly folder: string
  /** The subvolume that is the root while tools work on the `rootfs` in it. */
  readonly root: string
  readonly uidBase: number
  readonly cgroup: string
}

const execute = ({ folder }: Room, words: readonly string[], timeoutMs = workMs): Command => ({
  file: '/usr/bin/lxc-execute',
  args: ['-P', folder, '-n', 'tools', '-f', `${folder}/config`, '--', ...words],
  timeoutMs,
  // Without newuidmap, as guests: root writes the maps itself.
  env: { PATH: '/usr/sbin:/sbin' },
})

export const unpackCommand = (room: Room): Command =>
  execute(room, [
    ...['/usr/bin/tar', '--extract', '--file=-', '--directory=/rootfs', '--numeric-owner', '--same-owner'],
    ...['--preserve-permissions', '--delay-directory-restore', ...extendedAttributes],
  ])

/** Sorted, and without the times of reading: the same tree is the same archive. */
export const packCommand = (room: Room): Command =>
  execute(
    room,
    [
      ...['/usr/bin/tar', '--create', '--file=-', '--directory=/', '--numeric-owner', '--sort=name', '--format=posix'],
      ...['--pax-option=exthdr.name=%d/pax/%f,delete=atime,delete=ctime,delete=mtime', ...extendedAttributes, 'rootfs'],
    ],
    silenceMs,
  )

/**
 * The host's programs, read-only, in a user namespace of a nobody; the subvolume is its root, mounted with its ids, so that
 * what is written there is written unshifted. No network, no privileges but to set owners and modes.
 */
export function roomConfig({ folder, root, uidBase, cgroup }: Room): string {
  const lines: (readonly [string, string | number])[] = [
    ['lxc.uts.name', 'tools'],
    ['lxc.rootfs.path', `dir:${root}`],
    ['lxc.rootfs.options', 'idmap=container'],
    ['lxc.idmap', `u 0 ${uidBase} ${uidRangeSize}`],
    ['lxc.idmap', `g 0 ${uidBase} ${uidRangeSize}`],
    ['lxc.net.0.type', 'empty'],
    ['lxc.cap.keep', kept],
    ['lxc.no_new_privs', 1],
    ['lxc.seccomp.profile', `${folder}/seccomp`],
    ['lxc.console.path', 'none'],
    ['lxc.tty.max', 0],
    ['lxc.pty.max', 1],
    ['lxc.autodev', 1],
    ['lxc.mount.auto', 'proc:mixed'],
    ['lxc.mount.entry', '/usr usr none bind,ro,nosuid,nodev 0 0'],
    ['lxc.cgroup.dir.monitor', `${cgroup}/monitor`],
    ['lxc.cgroup.dir.monitor.pivot', `${cgroup}/pivot`],
    ['lxc.cgroup.dir.container', `${cgroup}/guest`],
    ['lxc.cgroup.memory.limit_in_bytes', memoryBytes],
    ['lxc.cgroup2.memory.max', memoryBytes],
    ['lxc.cgroup.pids.max', processes],
    ['lxc.cgroup2.pids.max', processes],
  ]
  return `${lines.map(([key, value]) => `${key} = ${checked(String(value))}`).join('\n')}\n`
}

function checked(value: string): string {
  if (value !== '' && !/[\p{C}\p{Zl}\p{Zp}]/u.test(value)) return value
  throw new CroftError('BAD_VALUE', 'a path of the pool holds a control character')
}
