import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nearHost } from '../../../src/daemon/near.ts'

const farm = { prefix4: '10.100.0.0/16', prefix6: 'fd12:3456::/64' }
const mesh = { kind: 'wireguard', publicKey: 'x', endpoint: '198.51.100.22:51820' } as const

test('the other hosts of the farm are near, by the address of their door and in the mesh', () => {
  const forbids = nearHost({
    ...farm,
    hosts: [{ address: '198.51.100.11:8443' }, { address: '[2001:db8::12]:8443', mesh }],
  })
  for (const address of ['198.51.100.11', '2001:db8::12', '198.51.100.22', '10.15.0.2', '10.100.0.9'])
    assert.ok(forbids(address), address)
  for (const address of ['198.51.100.12', '2001:db8::11', '203.0.113.1']) assert.ok(!forbids(address), address)
})

test('a host that is alone has no mesh, and one without a door adds nothing', () => {
  const forbids = nearHost({ ...farm, hosts: [{}] })
  assert.ok(!forbids('10.15.0.2'))
  assert.ok(!forbids('198.51.100.11'))
})
