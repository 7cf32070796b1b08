/** Several hosts on one machine: each is its own, and they reach each other by a wire that can be cut. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import type { Status } from '../../src/api/resources.ts'
import { wordsOf } from '../console.ts'
import { type TestHost, useHosts } from './hosts.ts'

const hosts = await useHosts()
const { ash, birch, cedar } = hosts

const reaches = async (from: TestHost, to: string): Promise<boolean> =>
  (await from.host({ file: 'ping', args: ['-c', '1', '-W', '1', to] })).code === 0

test('each host has a daemon, a name and a store of its own; the first has a farm', async () => {
  for (const host of hosts.all) {
    const { body } = await host.api('GET', '/v1/status')
    const { host: name, farm } = body as Status
    assert.deepEqual([name, farm?.name], [host.hostName, host === ash ? 'meadow' : undefined])
  }
  await ash.croftOk('create', 'web', 'debian:12')
  assert.equal(await ash.inGuest('web', 'hostname'), 'web')
  assert.equal((await birch.croft('ls')).code, 5)
})

test('hosts reach each other and the world outside, until a wire is cut', async () => {
  assert.ok(await reaches(birch, ash.address.v4))
  assert.ok(await reaches(cedar, birch.address.v6))
  assert.ok(await reaches(birch, '198.51.100.2'))
  await hosts.cut(birch)
  assert.ok(!(await reaches(birch, ash.address.v4)))
  assert.ok(await reaches(cedar, ash.address.v4))
  await hosts.mend(birch)
  await birch.waitFor(() => reaches(birch, ash.address.v4))
})

test('docs/guides/farm-of-three.md: its commands run in order, each on its host', async () => {
  const text = readFileSync(new URL('../../docs/guides/farm-of-three.md', import.meta.url), 'utf8')
  const commands = [...text.matchAll(/^root@(\w+):~# croft (.*)$/gm)]
  assert.ok(commands.length >= 5)
  let token = ''
  for (const [line, name = '', words = ''] of commands) {
    const said = await hosts.get(name).croft(...wordsOf(words.replace('TOKEN', token)))
    assert.equal(said.code, 0, `${line}: ${said.stderr}\n${hosts.get(name).logTail(5)}`)
    if (words.startsWith('host invite')) token = said.stdout.trim()
  }
})
