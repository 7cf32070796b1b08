import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ResolvedConfig } from '../../../src/api/app.ts'
import { hostWaves, leavingOf, type PlacedMember, wavesOf } from '../../../src/plan/deploy.ts'
import { siteRoutes } from '../../../src/plan/site-routes.ts'

const config = {} as ResolvedConfig
const slots = (...hashes: string[]) => hashes.map((hash, at) => ({ slot: at + 1, hash, config }))
const member = (slot: number, hash: string, state: PlacedMember['state'] = 'ready', name = `m${slot}`) => ({
  ...{ name, slot, hash, state },
})

test('who is what would be made in its place stays; all others go', () => {
  const three = [member(1, 'a'), member(2, 'a'), member(3, 'a')]
  assert.deepEqual(leavingOf(three, slots('a', 'a', 'a')), [])
  assert.deepEqual(leavingOf(three, slots('a', 'b')), ['m2', 'm3'])
  assert.deepEqual(leavingOf(three, slots('a', 'a', 'a', 'a')), [])
  assert.deepEqual(leavingOf([member(1, 'a', 'starting')], slots('a')), ['m1'], 'one that nobody is sent to')
  assert.deepEqual(leavingOf([member(1, 'a'), member(1, 'a', 'ready', 'twice')], slots('a')), ['twice'])
})

test('waves are numbers or parts, at least one each', () => {
  assert.deepEqual(wavesOf('1,50%', 5), [1, 3])
  assert.deepEqual(wavesOf('1%', 3), [1])
  for (const text of ['0', '', 'x', '1,', '101%', '-1', '1.5'])
    assert.throws(() => wavesOf(text, 3), /not a wave/, text)
})

test('host by host: one after another, after what is said before; new places come last', () => {
  const at = (text: string) =>
    [...text].map((letter, index) => ({ slot: index + 1, host: letter === '-' ? null : letter }))
  const told = (text: string, hosts: string) => {
    const { waves, order } = hostWaves(text, hosts.length, at(hosts))
    return [waves.join(), order.map(({ slot }) => slot).join('')]
  }
  assert.deepEqual(told('host', 'baab-'), ['2,2,1', '23145'])
  assert.deepEqual(told('1,host', 'baab'), ['1,1,2', '2314'])
  assert.deepEqual(told('75%,host', 'baab'), ['3,1', '2314'])
  assert.deepEqual(told('9,host', 'ab'), ['9', '12'])
  assert.throws(() => hostWaves('x,host', 2, at('ab')), /not a wave/)
})

test('domains are one route, and each further path one more', () => {
  const route = {
    domains: ['a.org', 'b.org'],
    aliases: ['www.a.org'],
    paths: { '/': 'web', '/api': 'api' },
    settings: { 'body-max': '5M' },
  }
  assert.deepEqual(siteRoutes({ route }), [
    { name: 'a.org', daemon: 'web', change: { bodyMax: '5M', names: ['b.org'], aliases: ['www.a.org'] } },
    { name: 'a.org/api', daemon: 'api', change: { bodyMax: '5M' } },
  ])
  assert.deepEqual(siteRoutes({ route: { ...route, domains: [] } }), [])
})
