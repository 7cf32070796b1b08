/** What was done, taking it back, and what a farm is when its records are lost. */
import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Guest } from '../../src/api/guest.ts'
import type { HistoryEntry, PlannedStep } from '../../src/api/resources.ts'
import { useFarm } from './farm.ts'
import { show, stateOf } from './guests.ts'

const farm = await useFarm()
const plan = async (): Promise<PlannedStep[]> => {
  const said = await farm.json<PlannedStep[] | { steps: PlannedStep[] }>('host', 'plan')
  return Array.isArray(said) ? said : said.steps
}

test('history tells who, what, when and why; revert puts settings back and keeps the data', async () => {
  await farm.croftOk('create', 'web', 'debian:12', 'memory=256M')
  await farm.inGuest('web', 'sh', '-c', 'echo kept > /srv/note')
  await farm.croftOk('set', 'web', 'memory=128M', 'label.owner=lark', '--reason', 'too large')
  const [last, ...older] = await farm.json<HistoryEntry[]>('history', 'web')
  assert.deepEqual([last?.verb, last?.by, last?.reason], ['set', 'root', 'too large'])
  assert.ok(older.some(({ verb }) => verb === 'create'))
  assert.match(last?.at ?? '', /^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
  await farm.croftOk('set', 'web', 'cpu=1', 'label.later=kept')
  await farm.croftOk('revert', 'web', String(last?.revision), '-y')
  const { spec } = await show(farm, 'web')
  assert.deepEqual([spec.limits.memoryBytes, spec.limits.cpus], [256 * 1024 ** 2, 1])
  assert.deepEqual(spec.labels, { later: 'kept' }, 'what was changed later stays')
  const entries = (await farm.json<HistoryEntry[]>('history', 'web')).length
  const again = await farm.croftOk('revert', 'web', String(last?.revision), '-y')
  assert.match(again, /nothing to do/)
  assert.equal((await farm.json<HistoryEntry[]>('history', 'web')).length, entries)
  await farm.croftOk('set', 'web', 'memory=300M')
  const refused = await farm.croft('revert', 'web', String(last?.revision), '-y')
  assert.equal(refused.code, 5, refused.stderr)
  assert.equal(await farm.inGuest('web', 'cat', '/srv/note'), 'kept')
})

test('data: raw records are listed, read and written, with a comparison', async () => {
  const entries = await farm.json<{ key: string; revision: number }[]>('data', 'ls', 'sizes/')
  assert.deepEqual(entries.map(({ key }) => key).sort(), ['sizes/large', 'sizes/medium', 'sizes/small', 'sizes/tiny'])
  const tiny = entries.find(({ key }) => key === 'sizes/tiny')
  const record = { schema: 1, name: 'tiny', memoryBytes: 64 * 1024 ** 2, cpus: 1, diskBytes: 1024 ** 3, processes: 100 }
  const set = () =>
    farm.croft('data', 'set', 'sizes/tiny', JSON.stringify(record), '-y', '--if-revision', String(tiny?.revision))
  assert.equal((await set()).code, 0)
  assert.equal((await set()).code, 5)
  await farm.croftOk('create', 'web', 'debian:12', 'size=tiny', '--no-start')
  assert.equal((await show(farm, 'web')).spec.limits.processes, 100)
})

test('a host whose plan is met says so; what was taken away behind its back is planned and mended', async () => {
  await farm.croftOk('create', 'web', 'debian:12', '--wait=stable')
  assert.deepEqual(await plan(), [])
  assert.equal((await farm.croft('host', 'apply', '--dry-run', '--exit-code')).code, 0)
  await farm.croftOk('stop', 'web')
  const { number, spec } = await show(farm, 'web')
  const disk = join(farm.poolDir, 'guests', String(number), 'roots', spec.root.id)
  await farm.host({ file: 'btrfs', args: ['subvolume', 'delete', disk] })
  const said = await farm.croft('start', 'web')
  assert.equal(said.code, 1)
  assert.match(said.stderr, /gone from the pool/, 'a lost disk is told of, and not made anew')
  assert.equal(await stateOf(farm, 'web'), 'failed')
})

test('a lost store: guests are reported, adopted, and have their data, name and address', async () => {
  await farm.croftOk('create', 'web', 'debian:12', 'memory=200M', 'label.owner=lark')
  await farm.inGuest('web', 'sh', '-c', 'echo kept > /srv/note; sync')
  const before = await show(farm, 'web')
  await farm.stopDaemon('SIGKILL')
  for (const name of ['store', 'kept-plan.json']) await rm(join(farm.stateDir, name), { recursive: true })
  await farm.startDaemon()
  assert.equal((await farm.croft('ls')).code, 5)
  await farm.croftOk('init', 'meadow', '--pool', 'directory', '--pool-path', farm.poolDir)
  assert.deepEqual(await farm.json<Guest[]>('ls'), [])
  const orphans = (await plan()).filter(({ step }) => step === 'orphan').map(({ what }) => what)
  assert.ok(orphans.includes(`guest ${before.number}`), JSON.stringify(orphans))
  await farm.croftOk('host', 'apply', '--adopt')
  await farm.waitFor(async () => (await stateOf(farm, 'web')) === 'running')
  const after = await show(farm, 'web')
  assert.deepEqual(
    [after.number, after.ipv4, after.id, after.spec.limits.memoryBytes, after.spec.labels],
    [before.number, before.ipv4, before.id, before.spec.limits.memoryBytes, before.spec.labels],
  )
  assert.equal(await farm.inGuest('web', 'cat', '/srv/note'), 'kept')
  assert.deepEqual(
    (await plan()).filter(({ step }) => step === 'orphan'),
    [],
  )
  await farm.croftOk('create', 'other', 'debian:12', '--no-start')
  assert.notEqual((await show(farm, 'other')).number, after.number)
})

test('an init that dies at once: five tries, a clear state, and another start tries again', async () => {
  await farm.croftOk('create', 'web', 'debian:12', '--wait=stable')
  await farm.inGuest('web', 'sh', '-c', 'mv /sbin/init /sbin/init.kept; ln -s /bin/true /sbin/init')
  const said = await farm.croft('restart', 'web', '--wait=stable')
  assert.equal(said.code, 1, said.stderr + said.stdout)
  await farm.waitFor(async () => (await stateOf(farm, 'web')) === 'failed', 60_000, 'the fifth try')
  const { status } = await show(farm, 'web')
  assert.equal(status?.failures, 5)
  assert.match(status?.reason ?? '', /5 times in a row.*init ended/)
  assert.notEqual((await farm.croft('start', 'web', '--wait=stable')).code, 0)
  assert.notEqual((await show(farm, 'web')).status?.failures, undefined)
  await farm.croftOk('stop', 'web')
  assert.equal(await stateOf(farm, 'web'), 'stopped')
})
