/** A replica as people use it: made, brought up to date by what has changed, over a daemon that dies and a wire that is cut; then moved to. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Guest } from '../../../src/api/guest.ts'
import type { Replica } from '../../../src/api/replica.ts'
import type { TestHosts } from '../hosts.ts'

const mib = 1024 ** 2

export function replicas(hosts: TestHosts): void {
  const { ash, birch } = hosts
  const list = () => ash.json<Replica[]>('replica', 'ls', 'web')
  const replica = async (): Promise<Replica> => (await list())[0] ?? assert.fail('no replica')
  const isYoungerThan = (at: string | null) => async () => {
    const { state, at: now } = await replica()
    return state === 'ready' && now !== null && (at === null || now > at)
  }
  const put = (text: string) => ash.inGuest('web', 'sh', '-c', `echo ${text} > /srv/letter; sync`)

  test('a replica is brought up to date by what has changed; a move to it is short, and leaves one behind', async () => {
    await ash.croftOk('create', 'web', 'debian:12', '--host', 'ash', 'disk=1G')
    await ash.inGuest('web', 'sh', '-c', 'dd if=/dev/urandom of=/srv/big bs=1M count=24 status=none; sync')
    const big = await ash.inGuest('web', 'sha256sum', '/srv/big')
    await ash.croftOk('snapshot', 'add', 'web@monday')
    const refused = await birch.croft('replicate', 'web', 'ash')
    assert.match(refused.stderr, /web itself is on ash/)
    const made = await birch.croft('copy', 'web', 'birch')
    assert.equal(made.code, 0, `${made.stderr}\n${ash.logTail(9)}\n${birch.logTail(9)}`)
    assert.match(made.stdout, /web is copied to birch/)
    const first = await replica()
    assert.deepEqual([first.state, first.everyMs, first.host], ['ready', null, 'birch'])

    await put('one')
    await ash.croftOk('replicate', 'web', 'birch', 'every=10s')
    const second = await replica()
    assert.ok((second.sentBytes ?? mib) < 8 * mib, `${second.sentBytes} bytes for a letter`)
    await ash.waitFor(isYoungerThan(second.at), 90_000, 'the next pass by itself')

    await birch.restartDaemon({ env: { CROFT_FAILPOINT: 'replica.receive.after' } })
    await birch.daemonGone()
    const away = async () => (await replica()).reason !== undefined
    await ash.waitFor(away, 90_000, 'why it is no younger')
    const before = (await replica()).at
    await birch.startDaemon()
    await ash.waitFor(isYoungerThan(before), 120_000, 'a pass after the death')

    await ash.croftOk('replicate', 'web', 'birch', 'every=1h')
    await put('two')
    const moved = await ash.croft('move', 'web', 'birch')
    assert.equal(moved.code, 0, `${moved.stderr}\n${ash.logTail(9)}\n${birch.logTail(9)}`)
    assert.doesNotMatch(moved.stderr, /snapshot /)
    assert.equal(await birch.inGuest('web', 'cat', '/srv/letter'), 'two')
    assert.equal(await birch.inGuest('web', 'sha256sum', '/srv/big'), big)
    const isCleared = async () => (await birch.api('GET', '/v1/data?prefix=moves/')).body
    await ash.waitFor(async () => JSON.stringify(await isCleared()) === '[]', 90_000, 'the end of the move')
    const turned = await replica()
    assert.deepEqual([turned.from, turned.host], ['birch', 'ash'])
    await birch.croftOk('copy', 'web', 'ash')
    assert.ok(((await replica()).sentBytes ?? 0) < 8 * mib)
    assert.equal((await birch.json<Guest>('show', 'web')).host, 'birch')
    assert.equal(await ash.croftOk('host', 'plan'), await birch.croftOk('host', 'plan'))

    assert.match((await ash.croft('replica', 'rm', 'web', 'ash')).stderr, /lies on birch alone/)
    await ash.croftOk('replica', 'rm', 'web', 'ash', '--last-copy')
    await ash.waitFor(async () => (await list()).length === 0, 90_000, 'the end of the replica')
    await birch.croftOk('rm', 'web', '-y')
  })
}
