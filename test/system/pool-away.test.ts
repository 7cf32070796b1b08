/** The disk of a pool is not there when the host comes up: the daemon is, says which and why, and takes it when it is back. */
import assert from 'node:assert/strict'
import { rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { Guest } from '../../src/api/guest.ts'
import type { Finding, Pool, Status } from '../../src/api/resources.ts'
import { createRunner } from '../../src/drivers/exec/runner.ts'
import { createTestFarm } from './farm.ts'
import { addTinyTemplate, tinyTemplate } from './tiny.ts'

const run = createRunner()
const farm = await createTestFarm({ ready: false })
const image = join(farm.stateDir, 'disk.img')
/** As /dev/disk/by-id: the loop device behind it is another one each time. */
const disk = join(farm.stateDir, 'disk')
const mountPoint = join(farm.stateDir, 'pools/default')
let device = ''
after(async () => {
  await farm.dispose()
  await unplug()
  await rm(image, { force: true })
})

const tool = (file: string, ...args: string[]) => run.outcome({ file, args, timeoutMs: 60_000 })

async function plugIn(): Promise<void> {
  device = (await run.run({ file: 'losetup', args: ['-f', '--show', image], timeoutMs: 60_000 })).trim()
  await symlink(device, disk)
}
/** A guest that was killed a moment ago may hold it still. */
async function unplug(): Promise<void> {
  const isMounted = async () => (await tool('mountpoint', '-q', mountPoint)).code === 0
  await farm.waitFor(
    async () => (await tool('umount', mountPoint)).code === 0 || !(await isMounted()),
    60_000,
    'umount',
  )
  if (device !== '') await tool('losetup', '-d', device)
  device = ''
  await rm(disk, { force: true })
}

/** As at a reboot: every guest is dead, and so is the daemon. */
async function cutPower(...names: string[]): Promise<void> {
  const guests = await Promise.all(names.map((name) => farm.json<Guest>('show', name)))
  await farm.stopDaemon('SIGKILL')
  for (const { number } of guests)
    await farm.host({ file: 'lxc-stop', args: ['-P', join(farm.stateDir, 'lxc'), '-n', String(number), '-k'] })
  await farm.host({ file: 'nft', args: ['flush', 'ruleset'] })
}

const stateOf = async (name: string) => (await farm.json<Guest>('show', name)).status
const said = async (code: number, ...words: string[]): Promise<string> => {
  const { code: exit, stderr, stdout } = await farm.croft(...words)
  assert.equal(exit, code, `croft ${words.join(' ')}\n${stderr}${stdout}`)
  return stderr + stdout
}

async function tellsThatItIsAway(reason: RegExp): Promise<void> {
  await farm.waitFor(async () => (await stateOf('web'))?.state === 'waits', 60_000, 'the guest that waits')
  await farm.waitFor(async () => reason.test((await stateOf('web'))?.reason ?? ''), 60_000, 'what the guest waits for')
  const { attention, guests } = await farm.json<Status>('status')
  assert.match(attention.find(({ what }) => what === 'pool default')?.why ?? '', reason)
  assert.match(attention.find(({ what }) => what === 'web')?.why ?? '', reason)
  assert.deepEqual(guests, { waits: 1, stopped: 1 })
  const [pool] = await farm.json<Pool[]>('pool', 'ls')
  assert.deepEqual([pool?.mounted, pool?.totalBytes], [false, null])
  assert.match(await farm.croftOk('pool', 'ls'), reason)
  assert.match(await farm.croftOk('ls'), /web +▲ waits/)
  const finding = (JSON.parse((await farm.croft('doctor', '--json')).stdout) as Finding[]).find(
    ({ check }) => check === 'pool',
  )
  assert.equal(finding?.verdict, 'red')
  assert.match(finding?.evidence ?? '', reason)
  assert.match(finding?.mend ?? '', /pool-mount/)
  assert.match(await said(7, 'start', 'web'), reason)
  assert.match(await said(7, 'push', image, 'idle:/srv/x'), /not mounted/)
  const { stdout: rules } = await farm.host({ file: 'nft', args: ['list', 'tables'] })
  assert.match(rules, /croft/, 'the firewall stands')
}

test('a pool whose disk is not there, then cannot be read, then is back', async () => {
  await writeFile(image, '', { mode: 0o600 })
  await tool('truncate', '-s', '512M', image)
  await plugIn()
  await farm.croftOk('init', 'meadow', '--pool', 'device', '--pool-path', disk, '--erase', disk)
  await addTinyTemplate(farm, mountPoint)
  for (const name of ['web', 'idle']) await farm.croftOk('create', name, tinyTemplate)
  await farm.inGuest('web', 'sh', '-c', 'echo kept > /srv/note && sync')
  await farm.croftOk('stop', 'idle')

  await cutPower('web')
  await unplug()
  await farm.startDaemon()
  await tellsThatItIsAway(/was there and is gone/)
  assert.match(await said(7, 'doctor', '--fix', 'pool-mount'), /is gone/)

  // Its first superblock alone is left of it.
  const saved = `${image}.saved`
  await tool('cp', '--sparse=always', image, saved)
  await tool('truncate', '-s', '128K', image)
  await tool('truncate', '-s', '512M', image)
  await farm.restartDaemon({ kill: 'SIGKILL' })
  await plugIn()
  await farm.croftOk('host', 'apply')
  await tellsThatItIsAway(/mount|superblock/)

  await unplug()
  await tool('mv', saved, image)
  await plugIn()
  await farm.croftOk('host', 'apply')
  await farm.waitFor(async () => (await stateOf('web'))?.state === 'running', 60_000, 'the guest')
  assert.equal(await farm.inGuest('web', 'cat', '/srv/note'), 'kept')
  assert.equal((await stateOf('idle'))?.state, 'stopped')
  assert.deepEqual((await farm.json<Status>('status')).attention, [])

  await cutPower('web')
  await unplug()
  await farm.startDaemon()
  await farm.waitFor(async () => (await stateOf('web'))?.state === 'waits', 60_000, 'the guest that waits')
  await plugIn()
  // Its exit code tells of all checks, also of those that this machine fails by itself.
  assert.match((await farm.croft('doctor', '--fix', 'pool-mount')).stderr, /pool default: mounted/)
  await farm.waitFor(async () => (await stateOf('web'))?.state === 'running', 60_000, 'the guest')
  await farm.croftOk('rm', '--all', '-y')
})
