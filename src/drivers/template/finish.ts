/**
 * What is done to every tree after its build: identity and rubbish go, and systemd is told what cannot work in a guest.
 * The tree is still, and no folder on the way may be a link; so no path leads outside.
 */
import { chmod, chown, type lstat, mkdir, open, readdir, rm, symlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { CroftError } from '../../api/errors.ts'
import { lstatMaybe } from './walk.ts'

/** Emptied; made when missing. What a guest's start mounts over, and what tools keep only to be faster. */
const emptied: Readonly<Record<string, number>> = {
  dev: 0o755,
  proc: 0o555,
  sys: 0o555,
  run: 0o755,
  tmp: 0o1777,
  'var/tmp': 0o1777,
  'var/lib/apt/lists': 0o755,
  'var/cache/apt': 0o755,
}
const removed: readonly string[] = [
  'etc/croft-id',
  'etc/hostname',
  'etc/resolv.conf',
  'etc/.pwd.lock',
  'root/.bash_history',
  'var/cache/ldconfig/aux-cache',
  'var/lib/systemd/random-seed',
  'var/log/alternatives.log',
  'var/log/apt',
  'var/log/bootstrap.log',
  'var/log/dpkg.log',
]
/** Units that an unprivileged container cannot satisfy. */
const masked: readonly string[] = [
  'dev-hugepages.mount',
  'dev-mqueue.mount',
  'e2scrub_all.timer',
  'e2scrub_reap.service',
  'sys-fs-fuse-connections.mount',
  'sys-kernel-config.mount',
  'sys-kernel-debug.mount',
  'sys-kernel-tracing.mount',
  'systemd-binfmt.service',
  'systemd-modules-load.service',
  'systemd-udevd.service',
  'systemd-udevd-control.socket',
  'systemd-udevd-kernel.socket',
  'systemd-udev-trigger.service',
]

/**
 * Debian empties /tmp while it boots, under the hands of whoever works in the guest a moment after its start (apt then says
 * that its lists are not signed). Old files still go, by age.
 */
const tmpfiles = `# written by croft: /tmp is not emptied at boot
d /tmp 1777 root root 10d
d /var/tmp 1777 root root 30d
x /tmp/systemd-private-%b-*
X /tmp/systemd-private-%b-*/tmp
x /var/tmp/systemd-private-%b-*
X /var/tmp/systemd-private-%b-*/tmp
`

export async function finishTree(root: string): Promise<void> {
  for (const [path, mode] of Object.entries(emptied)) await empty(root, path, mode)
  for (const path of removed) await removeInside(root, path)
  await removeMatching(root, 'etc/ssh', /^ssh_host_/)
  await removeMatching(root, 'var/cache/debconf', /-old$/)
  await removeMatching(root, 'var/lib/dpkg', /-old$/)
  await write(root, 'etc/machine-id', '', 0o444)
  await write(root, 'etc/tmpfiles.d/tmp.conf', tmpfiles, 0o644)
  if ((await find(root, 'var/lib/dbus/machine-id'))?.isFile()) await removeInside(root, 'var/lib/dbus/machine-id')
  await write(root, 'etc/hosts', '127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n', 0o644)
  if (!(await find(root, 'etc/default/locale'))) await write(root, 'etc/default/locale', 'LANG=C.UTF-8\n', 0o644)
  // Newer than /usr: the first start need not run ldconfig, sysusers and the like again (some 100 ms).
  for (const path of ['etc/.updated', 'var/.updated']) await write(root, path, '', 0o644)
  for (const unit of masked) await mask(root, unit)
}

/** The path on the host; undefined when a folder on the way is missing. A link on the way is refused. */
async function inside(root: string, path: string): Promise<string | undefined> {
  let here = root
  for (const part of path.split('/').slice(0, -1)) {
    here = join(here, part)
    const stats = await lstatMaybe(here)
    if (!stats) return undefined
    if (!stats.isDirectory()) throw new CroftError('TEMPLATE_UNSAFE', `${here.slice(root.length + 1)} is no folder`)
  }
  return join(root, path)
}

async function find(root: string, path: string): Promise<Awaited<ReturnType<typeof lstat>> | undefined> {
  const host = await inside(root, path)
  return host === undefined ? undefined : lstatMaybe(host)
}

/** `rm` takes a link itself away, not what it points to. */
async function removeInside(root: string, path: string): Promise<void> {
  const host = await inside(root, path)
  if (host !== undefined) await rm(host, { recursive: true, force: true })
}

async function removeMatching(root: string, folder: string, pattern: RegExp): Promise<void> {
  if (!(await find(root, folder))?.isDirectory()) return
  for (const name of await readdir(join(root, folder))) {
    if (pattern.test(name)) await removeInside(root, `${folder}/${name}`)
  }
}

async function empty(root: string, path: string, mode: number): Promise<void> {
  const host = await inside(root, path)
  if (host === undefined) return
  const { uid, gid } = (await lstatMaybe(host)) ?? { uid: 0, gid: 0 }
  await rm(host, { recursive: true, force: true })
  await mkdir(host)
  await chown(host, uid, gid)
  await chmod(host, mode)
}

async function write(root: string, path: string, text: string, mode: number): Promise<void> {
  const host = await inside(root, path)
  if (host === undefined) return
  await rm(host, { recursive: true, force: true })
  const file = await open(host, 'wx', mode)
  try {
    await file.writeFile(text)
    await file.chmod(mode)
  } finally {
    await file.close()
  }
}

async function mask(root: string, unit: string): Promise<void> {
  const path = `etc/systemd/system/${unit}`
  const host = await inside(root, path)
  if (host === undefined || !(await lstatMaybe(dirname(host)))) return
  await rm(host, { recursive: true, force: true })
  await symlink('/dev/null', host)
}
