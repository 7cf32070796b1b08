/** A root of busybox, small enough to start in milliseconds, on a tmpfs that can be mounted idmapped. Needs root. */
import { spawn } from 'node:child_process'
import { existsSync, globSync, readdirSync, rmdirSync } from 'node:fs'
import { chmod, copyFile, mkdir, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Command } from '../../src/drivers/exec/command.ts'
import { createRunner } from '../../src/drivers/exec/runner.ts'
import type { Definition } from '../../src/drivers/runtime/driver.ts'

export const run = createRunner()
export const tool = (file: string, ...args: string[]): Command => ({ file, args, timeoutMs: 20_000 })

const applets =
  'sh cat chmod chown echo env head id ln ls mkdir mknod mount mv printf reboot rm sed seq sleep true kill ps'.split(
    ' ',
  )

/** Halts at SIGPWR; SIGUSR1 tries to reboot. Whatever ends it ends the guest. */
const init = `#!/bin/sh
trap 'exit 0' PWR
trap 'reboot -n -f; exit 0' USR1
echo hello from init
while :; do sleep 60 & wait $!; done
`

export class LxcWorld {
  readonly folder = `/run/cft${process.pid}`
  readonly lxcPath = `${this.folder}/lxc`
  readonly cgroup = `croft-test-${process.pid}`

  async open(): Promise<void> {
    await mkdir(this.folder, { recursive: true })
    await run.run(tool('mount', '-t', 'tmpfs', '-o', 'mode=0711,size=256m', 'croft-test', this.folder))
    await mkdir(this.lxcPath, { mode: 0o711 })
  }

  /** A root of its own for each guest; made once. */
  async root(number: number): Promise<string> {
    const root = join(this.folder, 'roots', String(number))
    if (existsSync(root)) return root
    for (const name of ['bin', 'sbin', 'etc', 'dev', 'proc', 'sys', 'run', 'tmp', 'root'])
      await mkdir(join(root, name), { recursive: true })
    await copyFile('/bin/busybox', join(root, 'bin/busybox'))
    for (const applet of applets) await symlink('busybox', join(root, 'bin', applet))
    await writeFile(join(root, 'sbin/init'), init)
    await chmod(join(root, 'sbin/init'), 0o755)
    return root
  }

  async definition(number: number): Promise<Definition> {
    const low = number & 255
    return {
      ...{ number, id: `guest-${number}`, hostName: `g${number}`, rootPath: await this.root(number) },
      ...{ uidBase: 0x70000000 + 65536 * (4000 + (number % 90)), limits: {} },
      link: {
        ...{ name: `croft${number}`, ipv4: `10.99.3.${low}`, ipv6: `fd99::${number}`, mtu: 1400 },
        more: [],
        mac: `0a:c7:0f:00:03:${low.toString(16).padStart(2, '0')}`,
      },
      files: { hosts: '# written by croft\n127.0.0.1 localhost\n', resolv: '# written by croft\n', keys: '' },
    }
  }

  cgroupFolders(number: number): string[] {
    return globSync([`/sys/fs/cgroup/${this.cgroup}/${number}`, `/sys/fs/cgroup/*/${this.cgroup}/${number}`])
  }

  async leftovers(number: number): Promise<string[]> {
    const links = await run.run(tool('ip', '-o', 'link', 'show'))
    const mounts = await run.run(tool('cat', '/proc/self/mounts'))
    return [
      ...[join(this.lxcPath, String(number)), join('/run/lxc/lock', this.lxcPath, `.${number}`)].filter(existsSync),
      ...this.cgroupFolders(number),
      ...links.split('\n').filter((line) => line.includes(`croft${number}@`)),
      ...mounts.split('\n').filter((line) => line.includes(`${this.lxcPath}/${number}`)),
    ]
  }

  async close(): Promise<void> {
    await run.outcome(tool('umount', '--lazy', this.folder))
    await rm(this.folder, { recursive: true, force: true })
    await rm(join('/run/lxc/lock', this.folder), { recursive: true, force: true })
    for (const top of globSync([`/sys/fs/cgroup/${this.cgroup}`, `/sys/fs/cgroup/*/${this.cgroup}`])) removeTree(top)
  }
}

function removeTree(folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true }))
    if (entry.isDirectory()) removeTree(join(folder, entry.name))
  try {
    rmdirSync(folder)
  } catch {
    // a process in it still dies
  }
}

/** With bytes in and bytes out, as a client at a pipe has them. */
export async function pipe({ file, args }: Command, stdin: Uint8Array = Buffer.alloc(0)) {
  const child = spawn(file, [...args], { stdio: ['pipe', 'pipe', 'inherit'] })
  const chunks: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
  child.stdin.on('error', () => {}).end(stdin)
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  return { code, stdout: Buffer.concat(chunks) }
}
