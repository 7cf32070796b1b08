/** LXD beside it, the peer: Debian's package, a btrfs pool of its own, an image from the same template. */
import { spawn } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { command } from './measure.ts'

export interface Lxd {
  launch(name: string): Promise<void>
  remove(name: string): Promise<void>
  exec(name: string): Promise<void>
  list(): Promise<void>
  dispose(): Promise<void>
}

const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/root', LXD_DIR: '' }
const preseed = `
storage_pools: [{name: croftbench, driver: btrfs, config: {size: 10GB}}]
networks: [{name: croftbenchbr, type: bridge, config: {ipv4.address: 10.99.77.1/24, ipv4.nat: "false", ipv6.address: none}}]
profiles: [{name: default, devices: {root: {type: disk, path: /, pool: croftbench}, eth0: {type: nic, network: croftbenchbr, name: eth0}}}]
`

/** Its daemon lives in a folder of its own for the time of the run. */
export async function createLxd(templateRoot: string): Promise<Lxd> {
  const folder = mkdtempSync('/var/tmp/lxdbench')
  // Its guests are not root here, and pass through it to their files.
  chmodSync(folder, 0o711)
  const own = { ...env, LXD_DIR: join(folder, 'lxd') }
  const lxc = (...args: string[]) => command('lxc', args, own)
  const daemon = spawn('lxd', ['--group', 'root', '--logfile', join(folder, 'log')], {
    env: own,
    stdio: 'ignore',
    cwd: '/',
  })
  await command('lxd', ['waitready', '--timeout', '60'], own)
  await new Promise<void>((resolve, reject) => {
    const init = spawn('lxd', ['init', '--preseed'], { env: own, stdio: ['pipe', 'ignore', 'inherit'] })
    init.once('exit', (code) => (code === 0 ? resolve() : reject(new Error(`lxd init: exit ${code}`))))
    init.stdin.end(preseed)
  })
  writeFileSync(
    join(folder, 'metadata.yaml'),
    'architecture: x86_64\ncreation_date: 1\nproperties: {description: bench}\n',
  )
  await command('tar', ['-C', folder, '-cf', join(folder, 'metadata.tar'), 'metadata.yaml'], own)
  await command(
    'mksquashfs',
    [templateRoot, join(folder, 'root.squashfs'), '-comp', 'zstd', '-quiet', '-no-progress'],
    own,
  )
  await lxc('image', 'import', join(folder, 'metadata.tar'), join(folder, 'root.squashfs'), '--alias', 'bench')
  return {
    launch: (name) => lxc('launch', 'bench', name),
    remove: (name) => lxc('delete', '-f', name),
    exec: (name) => lxc('exec', name, '--', 'true'),
    list: () => lxc('ls'),
    async dispose() {
      await lxc('image', 'delete', 'bench').catch(() => undefined)
      await lxc('profile', 'device', 'remove', 'default', 'root').catch(() => undefined)
      await lxc('profile', 'device', 'remove', 'default', 'eth0').catch(() => undefined)
      await lxc('storage', 'delete', 'croftbench').catch(() => undefined)
      await lxc('network', 'delete', 'croftbenchbr').catch(() => undefined)
      await command('lxd', ['shutdown', '--timeout', '30'], own).catch(() => undefined)
      await sleep(500)
      daemon.kill('SIGKILL')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
