import assert from 'node:assert/strict'
import { test } from 'node:test'
import { adviseInit } from '../../src/daemon/doctor/advice.ts'
import { candidates, collisionsOf, findFreePrefix, parseTaken } from '../../src/daemon/doctor/prefix.ts'

const taken = (...networks: string[]) => networks.map((network) => ({ network, by: 'eth0' }))

test('routes are read without the default one and those of guests', () => {
  const text = JSON.stringify([
    { dst: 'default', gateway: '192.0.2.1', dev: 'eth0' },
    { dst: '10.100.0.7', dev: 'croft7' },
    { dst: '10.8.0.0/24', dev: 'tun0' },
    { type: 'local', dst: '192.0.2.2', dev: 'eth0' },
    { type: 'blackhole', dst: '10.9.0.0/16' },
    { dst: '10.100.1.0/24', dev: 'mesh0', protocol: '203' },
    { type: 'unreachable', dst: '10.100.0.0/16', protocol: '203' },
  ])
  assert.deepEqual(parseTaken(text), [
    { network: '10.8.0.0/24', by: 'tun0' },
    { network: '192.0.2.2', by: 'eth0' },
    { network: '10.9.0.0/16', by: 'blackhole' },
  ])
  assert.deepEqual(parseTaken(''), [])
})

test('the first free prefix is taken, one under a wider route only for want of a better', () => {
  assert.equal(findFreePrefix([]), '10.100.0.0/16')
  assert.equal(findFreePrefix(taken('10.100.200.1')), '10.101.0.0/16')
  assert.equal(findFreePrefix(taken('10.100.0.0/15', '10.102.0.0/16')), '10.103.0.0/16')
  assert.equal(findFreePrefix(taken('10.0.0.0/8')), '172.16.0.0/16')
  assert.equal(findFreePrefix(taken('10.0.0.0/8', '172.16.0.0/12')), '10.100.0.0/16')
  assert.equal(findFreePrefix(taken('0.0.0.0/1', '128.0.0.0/1', '10.100.0.5')), '10.101.0.0/16')
  assert.equal(findFreePrefix(candidates.map((network) => ({ network, by: 'x' }))), undefined)
  assert.equal(new Set(candidates).size, candidates.length)
  assert.deepEqual(collisionsOf('10.100.0.0/16', taken('10.101.0.0/16', 'fd00::/8', 'nonsense')), [])
})

test('init goes on with what is free, and says what it avoided', () => {
  assert.deepEqual(adviseInit({ findings: [], taken: [] }), { prefix4: '10.100.0.0/16', lines: [] })
  const advice = adviseInit({ findings: [], taken: taken('10.100.0.0/24') })
  assert.deepEqual(advice, { prefix4: '10.101.0.0/16', lines: ['10.100.0.0/16 is taken here'] })
  const hidden = adviseInit({ findings: [], taken: taken('10.0.0.0/8') }, '10.7.0.0/16')
  assert.match(hidden.lines.join(), /10\.7\.0\.0\/16 hides a part of 10\.0\.0\.0\/8/)
})

test('init is refused with the mend: a taken prefix, a missing tool, ids of others', () => {
  assert.throws(() => adviseInit({ findings: [], taken: taken('10.100.0.0/24') }, '10.100.0.0/16'), {
    code: 'REFUSED',
    hint: 'croft init --prefix4 10.101.0.0/16',
  })
  const missing = {
    check: 'tools',
    verdict: 'red',
    evidence: 'nft is not installed',
    mend: 'apt-get install nftables',
  } as const
  assert.throws(() => adviseInit({ findings: [missing], taken: [] }), { code: 'REFUSED', hint: missing.mend })
  const warned = { ...missing, verdict: 'warn' } as const
  assert.equal(adviseInit({ findings: [warned], taken: [] }).prefix4, '10.100.0.0/16')
})
