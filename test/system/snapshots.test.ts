/** Snapshots by hand: taken, listed, restored on running and stopped guests, cloned from, removed. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Snapshot } from '../../src/api/resources.ts'
import { useFarm } from './farm.ts'
import { initOf, show, stateOf } from './guests.ts'

const farm = await useFarm()

const put = (guest: string, text: string) => farm.inGuest(guest, 'sh', '-c', 'echo "$1" > /srv/note; sync', 'put', text)
const note = (guest: string) => farm.inGuest(guest, 'cat', '/srv/note')
const list = async (guest: string): Promise<string[]> =>
  (await farm.json<Snapshot[]>('snapshot', 'ls', guest)).map(({ name, state }) => `${name} ${state}`).sort()

test('a snapshot keeps what was; restoring a running guest brings it back running', async () => {
  await farm.croftOk('create', 'web', 'debian:12', 'disk=1G', '--wait=stable')
  await put('web', 'first')
  await farm.croftOk('snapshot', 'add', 'web@one')
  assert.equal((await farm.croft('snapshot', 'add', 'web@one')).code, 5)
  await put('web', 'second')
  await farm.croftOk('snapshot', 'add', 'web@two')
  assert.deepEqual(await list('web'), ['one ready', 'two ready'])
  const { ipv4, id } = await show(farm, 'web')
  const init = await initOf(farm, 'web')
  assert.equal((await farm.croft('restore', 'web@one')).code, 4, 'it asks')
  assert.equal(await initOf(farm, 'web'), init)
  await farm.croftOk('restore', 'web@one', '-y')
  assert.equal(await note('web'), 'first')
  const now = await show(farm, 'web')
  assert.deepEqual([now.ipv4, now.id, now.status?.state], [ipv4, id, 'running'])
  await farm.croftOk('restore', 'web@two', '-y')
  assert.equal(await note('web'), 'second', 'and forth')
  assert.deepEqual(await list('web'), ['one ready', 'two ready'])
  const usage = await farm.json<{ name: string; diskLimit: number }[]>('top')
  assert.equal(usage.find(({ name }) => name === 'web')?.diskLimit, 1024 ** 3, 'the limit goes along')
})

test('a stopped guest stays stopped when it is put back', async () => {
  await farm.croftOk('create', 'web', 'debian:12', '--wait=stable')
  await put('web', 'first')
  await farm.croftOk('snapshot', 'add', 'web@one')
  await put('web', 'second')
  await farm.croftOk('stop', 'web')
  await farm.croftOk('restore', 'web@one', '-y')
  assert.equal(await stateOf(farm, 'web'), 'stopped')
  await farm.croftOk('start', 'web')
  assert.equal(await note('web'), 'first')
})

test('a clone from a snapshot is of then, has its own identity, and outlives the snapshot', async () => {
  await farm.croftOk('create', 'web', 'debian:12', '--wait=stable')
  await put('web', 'then')
  await farm.croftOk('snapshot', 'add', 'web@one')
  await put('web', 'now')
  await farm.croftOk('clone', 'web@one', 'twin', '--wait=stable')
  assert.equal(await note('twin'), 'then')
  assert.notEqual(
    await farm.inGuest('twin', 'cat', '/etc/machine-id'),
    await farm.inGuest('web', 'cat', '/etc/machine-id'),
  )
  await farm.croftOk('snapshot', 'rm', 'web@one', '-y')
  assert.deepEqual(await list('web'), [])
  assert.equal((await farm.croft('snapshot', 'rm', 'web@one', '-y')).code, 3)
  assert.equal((await farm.croft('restore', 'web@one', '-y')).code, 3)
  await farm.croftOk('rm', 'web', '-y')
  assert.equal(await note('twin'), 'then')
})

test('fifty snapshots: all listed, one row in ls, and gone with their guest', async () => {
  await farm.croftOk('create', 'web', 'debian:12', '--no-start')
  const names = Array.from({ length: 50 }, (_, index) => `s${String(index).padStart(2, '0')}`)
  const taken = await Promise.all(
    names.map((name) => farm.api('POST', '/v1/guests/web/snapshots?wait=20000', { name })),
  )
  assert.deepEqual([...new Set(taken.map(({ status }) => status))], [taken[0]?.status])
  await farm.waitFor(async () => (await list('web')).every((line) => line.endsWith(' ready')))
  assert.deepEqual(
    (await list('web')).map((line) => line.split(' ')[0]),
    names,
  )
  assert.equal((await farm.croftOk('ls', '-q')).trim(), 'web')
  await farm.croftOk('snapshot', 'rm', 'web@s00', 'web@s49', '-y')
  assert.equal((await list('web')).length, 48)
})

test('names of snapshots are checked, and one without name is named by the time', async () => {
  await farm.croftOk('create', 'web', 'debian:12', '--no-start')
  for (const name of ['../up', 'Big', '-x', 'a b', 'a\nb']) {
    const said = await farm.croft('snapshot', 'add', `web@${name}`)
    assert.equal(said.code, 2, `${JSON.stringify(name)}: ${said.stderr}`)
  }
  await farm.croftOk('snapshot', 'add', 'web')
  const [only = ''] = await list('web')
  assert.match(only, /^[0-9a-z].* ready$/)
})
