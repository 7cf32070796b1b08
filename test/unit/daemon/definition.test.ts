import assert from 'node:assert/strict'
import { test } from 'node:test'
import { definitionOf } from '../../../src/daemon/host/definition.ts'
import type { FarmRecord, GuestRecord } from '../../../src/daemon/records/records.ts'
import { checkDefinition } from '../../../src/drivers/runtime/check.ts'

const key = 'ssh-ed25519 AAAA farm@example'
const farm: FarmRecord = {
  ...{ schema: 1, name: 'meadow', id: 'farm-id', created: '2026-11-21T00:00:00.000Z', keys: [key] },
  ...{ prefix4: '10.100.0.0/16', prefix6: 'fd12:3456:789a:1::/64' },
}
const guest: GuestRecord = {
  ...{ schema: 1, name: 'web', number: 513, slot: 2, id: 'guest-id', host: 'ash', generation: 1 },
  created: '2026-11-21T00:00:00.000Z',
  spec: {
    ...{ run: 'running', stop: 'graceful', restarts: 0, template: 'debian:12', pool: 'default', network: 'default' },
    root: { id: 'root', from: { kind: 'template', id: 'template', ref: 'debian:12' } },
    ...{ limits: { memoryBytes: 2 ** 30 }, labels: {}, autostart: true, order: 0, ports: [], rules: [] },
    keys: ['ssh-ed25519 BBBB own@example'],
  },
}
const host = { uidBase: 0x70000000, mtu: 1400 }

test('everything about a guest follows from its record, the farm and the host', () => {
  const definition = definitionOf(guest, farm, host, { path: '/pool/root' })
  assert.deepEqual(definition, {
    ...{ number: 513, id: 'guest-id', hostName: 'web', rootPath: '/pool/root', uidBase: 0x70000000 + 2 * 65536 },
    limits: { memoryBytes: 2 ** 30 },
    link: {
      ...{
        name: 'croft513',
        ipv4: '10.100.2.1',
        ipv6: 'fd12:3456:789a:1::201',
        mtu: 1400,
        mac: '0a:c7:0f:00:02:01',
        more: [],
      },
    },
    files: {
      hosts: [
        '# written by croft\n127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n',
        '10.100.2.1 web.meadow.internal web\nfd12:3456:789a:1::201 web.meadow.internal web\n',
      ].join(''),
      resolv: '# written by croft\nnameserver 169.254.0.1\nsearch meadow.internal\n',
      keys: `# croft keys\n${key}\nssh-ed25519 BBBB own@example\n# end of croft keys\n`,
    },
  })
  checkDefinition(definition)
})

test('without keys there is no keys file, and a clone is another identity', () => {
  const bare = { ...guest, spec: { ...guest.spec, keys: [] } }
  assert.equal(definitionOf(bare, { ...farm, keys: [] }, host, { path: '/r' }).files.keys, '')
  assert.notEqual(definitionOf({ ...guest, id: 'other' }, farm, host, { path: '/r' }).id, 'guest-id')
})
