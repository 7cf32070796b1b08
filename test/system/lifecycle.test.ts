/** What a guest goes through in its life, told by the command and seen from inside. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { useFarm } from './farm.ts'
import * as guests from './guests.ts'

const farm = await useFarm()

const show = (name: string) => guests.show(farm, name)
const stateOf = (name: string) => guests.stateOf(farm, name)
const initOf = (name: string) => guests.initOf(farm, name)
const exits = async (code: number, ...words: string[]): Promise<string> => {
  const said = await farm.croft(...words)
  assert.equal(said.code, code, `croft ${words.join(' ')}\n${said.stderr}${said.stdout}`)
  return said.stderr + said.stdout
}

test('create, stop, start, restart, kill, freeze, unfreeze, rename, rm: each twice', async () => {
  await farm.croftOk('create', 'web', 'debian:12')
  const { ipv4, ipv6, number } = await show('web')
  assert.match(await exits(5, 'create', 'web', 'debian:12'), /there is a guest "web"\n {2}→ croft show web/)
  const first = await initOf('web')
  await farm.croftOk('start', 'web')
  assert.equal(await initOf('web'), first, 'a start of what runs changes nothing')
  for (const [verb, state] of [
    ['stop', 'stopped'],
    ['start', 'running'],
    ['freeze', 'frozen'],
    ['unfreeze', 'running'],
    ['kill', 'stopped'],
    ['restart', 'running'],
  ] as const) {
    for (const time of ['first', 'second']) {
      await farm.croftOk(verb, 'web')
      assert.equal(await stateOf('web'), state, `${verb}, the ${time} time`)
    }
  }
  assert.notEqual(await initOf('web'), first)
  await farm.croftOk('rename', 'web', 'shop')
  await exits(3, 'show', 'web')
  const renamed = await show('shop')
  assert.deepEqual([renamed.number, renamed.ipv4, renamed.ipv6], [number, ipv4, ipv6])
  await farm.croftOk('rm', 'shop', '-y')
  assert.match(await exits(3, 'rm', 'shop', '-y'), /no guest "shop"/)
})

test('a frozen guest stops when asked, and a guest removed while frozen is gone', async () => {
  await farm.croftOk('create', 'ice', 'debian:12')
  await farm.croftOk('freeze', 'ice')
  await farm.croftOk('stop', 'ice')
  assert.equal(await stateOf('ice'), 'stopped')
  await farm.croftOk('start', 'ice')
  await farm.croftOk('freeze', 'ice')
  await farm.croftOk('rm', 'ice', '-y')
})

test('data survives a stop, a kill, a restart and a rename; a clone has it too', async () => {
  await farm.croftOk('create', 'keeper', 'debian:12', '--wait=stable')
  await farm.inGuest('keeper', 'sh', '-c', 'echo kept > /srv/note; sync')
  await farm.croftOk('kill', 'keeper')
  await farm.croftOk('rename', 'keeper', 'store1')
  await farm.croftOk('start', 'store1')
  assert.equal(await farm.inGuest('store1', 'cat', '/srv/note'), 'kept')
  assert.equal(await farm.inGuest('store1', 'hostname'), 'store1')
  await farm.croftOk('clone', 'store1', 'store2')
  assert.equal(await farm.inGuest('store2', 'cat', '/srv/note'), 'kept')
  await farm.inGuest('store2', 'sh', '-c', 'echo other > /srv/note')
  assert.equal(await farm.inGuest('store1', 'cat', '/srv/note'), 'kept')
})

test('a reboot and a shutdown from inside', async () => {
  await farm.croftOk('create', 'self', 'debian:12', '--wait=stable')
  for (const verb of ['reboot', 'poweroff']) {
    const before = await initOf('self')
    await farm.croft('exec', 'self', '--', 'systemctl', verb)
    await farm.waitFor(async () => (await initOf('self').catch(() => before)) !== before, 30_000, 'another init')
    // What ends within 2 s of its start counts as one that failed to start.
    await farm.croftOk('start', 'self', '--wait=stable')
  }
  const toldOf = async () => (await farm.croftOk('show', 'self')).includes('it had ended by itself')
  await farm.waitFor(toldOf, 30_000, 'that it was started again')
  await farm.croftOk('set', 'self', 'label.seen=yes')
  assert.ok(await toldOf(), 'a change of something else does not hide it')
  await farm.croftOk('restart', 'self')
  assert.ok(!(await toldOf()), 'this start was asked for')
})

test('exec: exit codes, pipes, environment, words as they are', async () => {
  await farm.croftOk('create', 'web', 'debian:12')
  await exits(7, 'exec', 'web', '--', 'sh', '-c', 'exit 7')
  await exits(127, 'exec', 'web', '--', '/nowhere')
  await exits(126, 'exec', 'web', '--', '/etc/passwd')
  await exits(137, 'exec', 'web', '--', 'sh', '-c', 'kill -9 $$')
  const piped = await farm.croftWith({ stdin: 'one\ntwo\n' }, 'exec', 'web', '--', 'tr', 'a-z', 'A-Z')
  assert.equal(piped.stdout, 'ONE\nTWO\n')
  assert.equal(
    await farm.inGuest('web', 'printf', '%s|', 'a b', '', '$HOME', '"', '--', '-y', 'é'),
    'a b||$HOME|"|--|-y|é|',
  )
  assert.equal(await farm.croftOk('exec', '-e', 'COLOUR=dark blue', 'web', '--', 'printenv', 'COLOUR'), 'dark blue\n')
  const environment = await farm.inGuest('web', 'env')
  assert.doesNotMatch(environment, /CROFT|NODE/)
  await farm.croftOk('stop', 'web')
  assert.match(await exits(125, 'exec', 'web', '--', 'true'), /not run/)
})

test('bad input: one clear line, the right exit code, nothing changed', async () => {
  const before = await farm.picture()
  await exits(2, 'create', 'Bad_Name', 'debian:12')
  await exits(2, 'create', 'web')
  await exits(2, 'create', 'rm', 'debian:12')
  await exits(2, 'create', 'web', 'debian:12', 'memory=lots')
  await exits(2, 'create', 'web', 'debian:12', 'colour=red')
  await exits(2, 'frobnicate')
  assert.match(await exits(3, 'create', 'web', 'debian:99'), /croft template build debian:99/)
  await exits(3, 'start', 'nobody')
  await exits(3, 'start', 'z*')
  await farm.croftOk('create', 'web', 'debian:12', '--no-start')
  await exits(4, 'rm', 'web')
  await exits(5, 'create', 'web', 'debian:12')
  await farm.croftOk('create', 'other', 'debian:12', '--no-start')
  await exits(5, 'rename', 'web', 'other')
  await exits(5, 'clone', 'web', 'other')
  await farm.croftOk('rm', '--all', '-y')
  assert.deepEqual(await farm.leftovers(before), [])
  await exits(3, 'api', 'GET', '/v1/nothing')
})
