/**
 * A Debian host of its own: systemd is process 1, in a privileged LXC container with devices for loops, so that a package can
 * be installed, used and purged in it. Its root is built once, kept beside the test cache, and lies under an overlay in memory.
 */
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Outcome } from '../../src/drivers/exec/command.ts'
import { createRunner } from '../../src/drivers/exec/runner.ts'
import { cacheDir } from './cache.ts'

const run = createRunner()
const root = new URL('../..', import.meta.url).pathname
const name = 'birch'
const path = '/usr/sbin:/usr/bin:/sbin:/bin'
const prefix = '/var/tmp/croft-debian-'

export interface DebianHost {
  /** What it said on both, and its exit code, inside. */
  sh(script: string, timeoutMs?: number): Promise<Outcome>
  /** Fails with what it said. */
  ok(script: string, timeoutMs?: number): Promise<string>
  /** A file of this machine, inside as /root/NAME. */
  give(file: string, as: string): Promise<void>
  /** Shut down from inside, and started again. */
  reboot(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

export async function startDebianHost(): Promise<DebianHost> {
  const lower = await ensureRoot()
  const top = await mkdtemp(prefix)
  const at = { top, lower, rootfs: join(top, 'root'), folder: join(top, name), tag: `croftpkg${process.pid}` }
  const dispose = () => removeHost(at)
  try {
    await chmod(top, 0o711)
    await must('mount', '-t', 'tmpfs', '-o', 'mode=711', 'none', top)
    for (const folder of ['upper', 'work', 'root', name]) await mkdir(join(top, folder), { mode: 0o755 })
    const layers = `lowerdir=${lower},upperdir=${join(top, 'upper')},workdir=${join(top, 'work')}`
    await must('mount', '-t', 'overlay', '-o', layers, 'none', at.rootfs)
    // LXC's own waits half a minute at boot for a bridge that nobody makes.
    await symlink('/dev/null', join(at.rootfs, 'etc/systemd/system/lxc.service'))
    await writeFile(join(at.folder, 'devices'), devices, { mode: 0o755 })
    await writeFile(join(at.folder, 'config'), config(at))
    const host = { sh, ok, give, reboot, [Symbol.asyncDispose]: dispose }
    await start()
    return host
  } catch (thrown) {
    await dispose()
    throw thrown
  }

  async function start(): Promise<void> {
    await must('lxc-start', '-P', top, '-n', name, '-o', join(at.folder, 'log'))
    await ok('until systemctl is-system-running --wait 2>/dev/null | grep -qE "running|degraded"; do sleep 0.1; done')
  }
  async function reboot(): Promise<void> {
    await sh('systemctl poweroff --no-block')
    await must('lxc-wait', '-P', top, '-n', name, '-s', 'STOPPED', '-t', '110')
    await start()
  }
  function sh(script: string, timeoutMs = 120_000): Promise<Outcome> {
    const env = [
      '--clear-env',
      '-v',
      `PATH=${path}`,
      '-v',
      'HOME=/root',
      '-v',
      'LC_ALL=C.UTF-8',
      '-v',
      'DEBIAN_FRONTEND=noninteractive',
    ]
    const args = ['-P', top, '-n', name, ...env, '--', 'sh', '-c', script]
    return run.outcome({ file: 'lxc-attach', args, timeoutMs, stdin: '' })
  }
  async function ok(script: string, timeoutMs?: number): Promise<string> {
    const { code, stdout, stderr } = await sh(script, timeoutMs)
    if (code === 0) return stdout.trimEnd()
    const { stdout: journal } = await sh('journalctl --unit=croft --lines=20 --no-pager')
    throw new Error(`${script}: exit ${code}\n${stdout}${stderr}\n${journal}`)
  }
  async function give(file: string, as: string): Promise<void> {
    await must('cp', file, join(at.rootfs, 'root', as))
  }
}

type At = { readonly top: string; readonly rootfs: string; readonly folder: string; readonly tag: string }

const must = (file: string, ...args: string[]): Promise<string> => run.run({ file, args, timeoutMs: 120_000 })

async function removeHost({ top, rootfs, tag }: At): Promise<void> {
  await run.outcome({ file: 'lxc-stop', args: ['-k', '-P', top, '-n', name], timeoutMs: 60_000 })
  for (const mount of [rootfs, top]) await run.outcome({ file: 'umount', args: ['--lazy', mount], timeoutMs: 60_000 })
  await rm(top, { recursive: true, force: true })
  for (const hierarchy of await readdir('/sys/fs/cgroup'))
    for (const folder of [join('/sys/fs/cgroup', hierarchy, tag), join('/sys/fs/cgroup', tag)])
      await run.outcome({ file: 'find', args: [folder, '-depth', '-type', 'd', '-delete'], timeoutMs: 60_000 })
}

/** A whole proc and sysfs out of the way: the kernel lets guests inside mount theirs only where one can be seen. */
const config = ({ rootfs, folder, tag }: At): string => `lxc.uts.name = ${name}
lxc.rootfs.path = dir:${rootfs}
lxc.mount.auto = proc:rw sys:rw cgroup:rw:force
lxc.mount.entry = proc dev/.lxc/proc proc create=dir 0 0
lxc.mount.entry = sysfs dev/.lxc/sys sysfs create=dir 0 0
lxc.autodev = 1
lxc.tty.max = 0
lxc.pty.max = 1024
lxc.net.0.type = veth
lxc.net.0.veth.pair = ${tag.slice(0, 15)}
lxc.net.0.name = eth0
lxc.net.0.flags = up
lxc.net.0.hwaddr = 02:c7:0f:00:00:09
lxc.net.0.ipv4.address = 198.51.100.9/24
lxc.net.0.ipv4.gateway = 198.51.100.1
lxc.hook.autodev = ${join(folder, 'devices')}
lxc.cgroup.dir.monitor = ${tag}/monitor
lxc.cgroup.dir.monitor.pivot = ${tag}/pivot
lxc.cgroup.dir.container = ${tag}/host
lxc.cgroup.dir.container.inner = ns
${existsSync('/sys/kernel/security/apparmor/policy') ? 'lxc.apparmor.profile = unconfined\n' : ''}`

const devices = `#!/bin/sh
dev=$LXC_ROOTFS_MOUNT/dev
mknod -m 660 $dev/loop-control c 10 237
mknod -m 600 $dev/btrfs-control c 10 234
mknod -m 666 $dev/fuse c 10 229
n=0; while [ $n -lt 64 ]; do mknod -m 660 $dev/loop$n b 7 $n; n=$((n + 1)); done
`

/** With all that the package depends on, so that it can be installed without a network. */
async function ensureRoot(): Promise<string> {
  const list = await readFile(join(root, 'script/packages'), 'utf8')
  const needed = [...list.matchAll(/^run (\S+)/gm)].map(([, one]) => one)
  const include = ['systemd', 'systemd-sysv', 'dbus', 'udev', 'procps', ...needed].join()
  const key = createHash('sha256').update(include).digest('hex').slice(0, 12)
  const to = join(cacheDir, `host-${key}`)
  if (existsSync(to)) return to
  await mkdir(cacheDir, { recursive: true })
  for (const old of (await readdir(cacheDir)).filter((one) => /^host-/.test(one)))
    await rm(join(cacheDir, old), { recursive: true, force: true })
  const draft = `${to}.new`
  const args = ['--variant=minbase', `--include=${include}`, 'bookworm', draft]
  await run.run({ file: 'mmdebstrap', args, timeoutMs: 600_000 })
  await writeFile(join(draft, 'etc/hostname'), `${name}\n`)
  await rename(draft, to)
  return to
}
