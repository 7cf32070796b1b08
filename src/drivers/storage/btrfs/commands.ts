/** The words of the tools. Paths are absolute and made by layout.ts or checked there, so none starts with `-`. */
import type { Command } from '../../exec/command.ts'

const quick = 30_000
const slow = 600_000

const btrfs = (args: readonly string[], timeoutMs = quick): Command => ({ file: 'btrfs', args, timeoutMs })

export const makeFileSystem = (path: string, label: string): Command => ({
  file: 'mkfs.btrfs',
  args: ['--quiet', '--label', label, '--', path],
  timeoutMs: slow,
})
/** No nosuid: guests need their setuid programs. nodev is a second lock; the first is the guests' device allow-list. */
export const mountOptions = 'noatime,nodev'
export const mountFile = (path: string, mountPoint: string): Command => ({
  file: 'mount',
  args: ['-t', 'btrfs', '-o', `loop,${mountOptions}`, '--', path, mountPoint],
  timeoutMs: slow,
})
export const mountDevice = (path: string, mountPoint: string): Command => ({
  file: 'mount',
  args: ['-t', 'btrfs', '-o', mountOptions, '--', path, mountPoint],
  timeoutMs: slow,
})
/** The kernel frees what was deleted after a commit; by itself it makes one each 30 s. */
export const commit = (mountPoint: string): Command => btrfs(['filesystem', 'sync', mountPoint])
export const unmount = (mountPoint: string): Command => ({
  file: 'umount',
  args: ['--', mountPoint],
  timeoutMs: slow,
})
/** What a file or device holds: KEY=value lines; exit code 2 when nothing was found. */
export const probe = (path: string): Command => ({
  file: 'blkid',
  args: ['--probe', '--output', 'export', '--', path],
  timeoutMs: quick,
})
/** A second opinion: also sees signatures that overlap. */
export const signatures = (path: string): Command => ({
  file: 'wipefs',
  args: ['--no-act', '--parsable', '--', path],
  timeoutMs: quick,
})
export const wipeBtrfs = (path: string): Command => ({
  file: 'wipefs',
  args: ['--all', '--types', 'btrfs', '--', path],
  timeoutMs: quick,
})

export const createSubvolume = (path: string): Command => btrfs(['subvolume', 'create', path])
export const snapshot = (from: string, to: string, readOnly: boolean): Command =>
  btrfs(['subvolume', 'snapshot', ...(readOnly ? ['-r'] : []), from, to])
/** Who takes nothing, or is given nothing, for so long waits in vain. */
const silenceMs = 5 * 60_000
export const send = (path: string, parent: string | undefined): Command =>
  btrfs(['--quiet', 'send', ...(parent === undefined ? [] : ['-p', parent]), path], silenceMs)
/**
 * What another host sends is done below `folder` alone, which is its root: no link of the stream leads out of it. Without
 * network and other processes, and with no more privileges than making a tree takes. It reads on after the word that ends
 * a disk (no `-e`): were it gone before the stream has ended, a disk that came whole would look broken off.
 */
export const receive = (folder: string): Command => ({
  file: 'unshare',
  args: [
    ...['--mount', '--net', '--pid', '--ipc', '--uts', '--fork', '--kill-child=SIGKILL', '--', 'setpriv'],
    `--bounding-set=-all,${['sys_admin', 'sys_chroot', ...owners].map((one) => `+${one}`).join()}`,
    ...['--inh-caps=-all', '--no-new-privs', '--'],
    ...['btrfs', '--quiet', 'receive', '--max-errors', '1', '--chroot', folder],
  ],
  timeoutMs: silenceMs,
})
const owners = ['chown', 'dac_override', 'fowner', 'fsetid', 'mknod', 'setfcap']

export const deleteSubvolume = (path: string): Command => btrfs(['subvolume', 'delete', path])
/** By id: the names of subvolumes that a guest made are never used as paths. */
export const deleteById = (id: number, pool: string): Command =>
  btrfs(['subvolume', 'delete', '--subvolid', String(id), pool])
export const listSubvolumes = (pool: string): Command => btrfs(['subvolume', 'list', pool])
export const listReceived = (pool: string): Command => btrfs(['subvolume', 'list', '-R', pool])
export const rootId = (path: string): Command => btrfs(['inspect-internal', 'rootid', path])
export const resolveId = (id: number, pool: string): Command =>
  btrfs(['inspect-internal', 'subvolid-resolve', String(id), pool])
export const makeWritable = (path: string): Command => btrfs(['property', 'set', '-f', '-ts', path, 'ro', 'false'])

/**
 * Simple quotas (Linux 6.7): an extent is counted for the subvolume that wrote it, so that snapshots and deletions cost what
 * they cost without quotas; with full qgroups a snapshot beside deletions takes five times as long, and a deletion a second
 * of the kernel's time. btrfs-progs know them since 6.7, Debian 12 has 6.2: so the one ioctl is made by perl, which every
 * Debian has. BTRFS_IOC_QUOTA_CTL with BTRFS_QUOTA_CTL_ENABLE_SIMPLE_QUOTA, linux/btrfs.h. Fails where the kernel is older.
 */
export const enableSimpleQuota = (pool: string): Command => ({
  file: 'perl',
  args: [
    '-e',
    'open my $d, "<", $ARGV[0] or die; my $a = pack "QQ", 4, 0; ioctl $d, 0xC0109428, $a or die $!',
    '--',
    pool,
  ],
  timeoutMs: 60_000,
})
export const enableQuota = (pool: string): Command => btrfs(['quota', 'enable', pool])
export const rescanQuota = (pool: string): Command => btrfs(['quota', 'rescan', pool])
/**
 * The limit is on referenced bytes: with simple quotas those that the subvolume itself wrote, with full qgroups the size of
 * the guest's disk as `du` shows it. An exclusive limit could be escaped (what a snapshot shares counts for nobody) and
 * would be overrun by itself (when a template or snapshot goes away, its bytes become the guest's). By id, through the
 * pool's own root: asked through a subvolume whose quota is full, the kernel at times refuses even to raise it.
 */
export const limitSubvolume = (id: number, bytes: number | null, pool: string): Command =>
  btrfs(['qgroup', 'limit', bytes === null ? 'none' : String(bytes), `0/${id}`, pool])
export const clearStaleQgroups = (pool: string): Command => btrfs(['qgroup', 'clear-stale', pool])
