/** What makes a host, or takes one away, is for root on a host: an operator from afar is trusted with guests. */
import assert from 'node:assert/strict'
import { json } from 'node:stream/consumers'
import { after, before, test } from 'node:test'
import { keys } from '../../src/daemon/records/keys.ts'
import { HostsFarm } from './hosts-farm.ts'

let farm: HostsFarm
before(async () => {
  farm = await HostsFarm.open('ash', 'birch')
})
after(() => farm?.close())

const afar = { name: 'token:laptop', role: 'operator', token: 'laptop' } as const

/** As one host carries it to another for him. */
async function askFromAfar(method: string, path: string, body: unknown) {
  const { peers } = farm.get('ash').daemon.others?.() ?? assert.fail()
  const answer = await peers.request('birch', { method, path, body: JSON.stringify(body), caller: afar })
  return { status: answer.status, said: (await json(answer.body)) as Record<string, unknown> }
}

test('who shows a token neither invites, joins, leaves, declares dead nor changes keys of the farm', async () => {
  const { revision } = await farm.store.get(keys.farm)
  for (const [method, path, body] of [
    ['POST', '/v1/invitations', {}],
    ['POST', '/v1/join', { token: 'cf1.x' }],
    ['POST', '/v1/hosts/birch/leave', {}],
    ['POST', '/v1/hosts/ash/declare-dead', {}],
    ['POST', '/v1/farm/ca', {}],
    ['POST', '/v1/hosts/birch/network/key', {}],
    ['PATCH', '/v1/farm', { mesh: 'none' }],
  ] as const)
    for (const query of ['', '?dryRun=1']) {
      const { status, said } = await askFromAfar(method, `${path}${query}`, body)
      assert.deepEqual([path, status, said.code], [path, 403, 'FORBIDDEN'], JSON.stringify(said))
      assert.match(String(said.message), /by root on a host of the farm$/)
      assert.match(String(said.hint), /^there: croft /)
    }
  const { entries } = await farm.store.list(keys.invites)
  assert.deepEqual([entries.length, (await farm.store.get(keys.farm)).revision >= revision], [0, true])
  const { entry } = await farm.store.get(keys.host('ash'))
  assert.equal((entry?.value as { dead?: string } | undefined)?.dead, undefined)
})

test('root on a host may ask all of it, also of another one', async () => {
  const dry = await farm.ask('ash', 'POST', '/v1/hosts/birch/leave?dryRun=1', {})
  assert.equal(dry.status, 200, JSON.stringify(dry.said))
})
