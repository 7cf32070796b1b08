/** Hosts come into a farm: one word typed on each; guests run on, the store moves, and everything is seen from everywhere. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DataEntry } from '../../src/api/resources.ts'
import { type TestHost, useHosts } from './hosts.ts'

const hosts = await useHosts()
const { ash, birch, cedar } = hosts

const join = (host: TestHost, token: string, ...words: string[]) =>
  host.croft('join', token.trim(), '--pool', 'file', '--pool-size', '2G', ...words)
const hostsIn = async (host: TestHost): Promise<string[]> =>
  (await host.json<DataEntry[]>('data', 'ls', 'hosts/')).map(({ key }) => key.slice('hosts/'.length))

test('two hosts join: guests run on, the store moves, each host sees the same farm', async () => {
  await ash.croftOk('create', 'web', 'debian:12')
  const init = await ash.inGuest('web', 'cat', '/proc/1/stat')
  const invited = await ash.croft('host', 'invite')
  assert.match(invited.stderr, /the door to the outside was shut: hosts reach this one at 198\.51\.100\.11:8443/)
  const joined = await join(birch, invited.stdout)
  assert.equal(joined.code, 0, `${joined.stderr}\n${birch.logTail(9)}\n${ash.logTail(9)}`)
  assert.match(joined.stdout, /birch is a host of farm meadow/)
  assert.equal((await ash.inGuest('web', 'cat', '/proc/1/stat')).split(' ')[21], init.split(' ')[21], 'it ran on')
  await hosts.join(cedar)
  for (const host of hosts.all) {
    assert.deepEqual(await hostsIn(host), ['ash', 'birch', 'cedar'])
    assert.match(await host.croftOk('status'), /store etcd/)
  }
  await ash.croftOk('rm', 'web', '-y')
})
