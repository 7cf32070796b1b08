/** With lxcfs a guest reads its own memory; without it, or when it dies, the guest lives all the same. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readFile, rm, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { Finding } from '../../src/api/resources.ts'
import { createRunner } from '../../src/drivers/exec/runner.ts'
import { useFarm } from './farm.ts'

const run = createRunner()
const folder = await mkdtemp('/run/croft-lxcfs-')
const mountPoint = join(folder, 'mnt')
await mkdir(mountPoint)
// LXC binds as the guest's root, who is nobody out here.
await chmod(folder, 0o755)
const farm = await useFarm({ env: { CROFT_LXCFS: mountPoint } })

let lxcfs: ChildProcess | undefined
async function startLxcfs(): Promise<void> {
  lxcfs = spawn('/usr/bin/lxcfs', ['-f', '-p', join(folder, 'pid'), mountPoint], { stdio: 'ignore' })
  const answers = () => readFile(join(mountPoint, 'proc/meminfo')).then(...([() => true, () => false] as const))
  await farm.waitFor(answers, 30_000, 'lxcfs')
}
async function killLxcfs(): Promise<void> {
  const gone = new Promise((resolve) => lxcfs?.once('exit', resolve))
  if (lxcfs?.kill('SIGKILL')) await gone
  lxcfs = undefined
}
const unmount = () => run.outcome({ file: 'umount', args: [mountPoint], timeoutMs: 20_000 })

after(async () => {
  await killLxcfs()
  await unmount()
  await rm(join(folder, 'pid'), { force: true })
  for (const each of [mountPoint, folder]) await rmdir(each)
})

const memoryTotal = async (): Promise<number> =>
  Number(/MemTotal:\s+(\d+) kB/.exec(await farm.inGuest('web', 'cat', '/proc/meminfo'))?.[1])
const finding = async (): Promise<Finding | undefined> =>
  (JSON.parse((await farm.croft('doctor', '--json')).stdout) as Finding[]).find(({ check }) => check === 'lxcfs')

test('a guest sees its own memory; the end of lxcfs ends no guest, is told, and a restart mends it', async () => {
  await startLxcfs()
  await farm.croftOk('create', 'web', 'debian:12', 'memory=96M')
  assert.equal(await memoryTotal(), 96 * 1024)
  await farm.croftOk('set', 'web', 'memory=128M')
  await farm.waitFor(async () => (await memoryTotal()) === 128 * 1024, 30_000, 'the new limit')
  await farm.inGuest('web', 'sh', '-c', '! echo 1 > /proc/uptime')
  assert.equal((await finding())?.verdict, 'ok')

  await killLxcfs()
  assert.notEqual((await farm.croft('exec', 'web', '--', 'cat', '/proc/meminfo')).code, 0)
  await farm.inGuest('web', 'true')
  await farm.croftOk('kill', 'web')
  await farm.croftOk('start', 'web')
  assert.ok((await memoryTotal()) > 1024 ** 2, 'started beside a dead one it reads of the host')
  await farm.croftOk('stop', 'web')

  await unmount()
  await startLxcfs()
  await farm.croftOk('start', 'web')
  assert.equal(await memoryTotal(), 128 * 1024)
  await killLxcfs()
  await unmount()
  await startLxcfs()
  assert.match((await finding())?.mend ?? '', /croft restart web/)
  await farm.croftOk('restart', 'web')
  assert.equal((await finding())?.verdict, 'ok')
  await farm.croftOk('rm', 'web', '-y')
})
