import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Command, Runner } from '../../src/drivers/exec/command.ts'
import { parseRoutes, reconcileRoutes } from '../../src/drivers/mesh/routes.ts'
import { configText } from '../../src/drivers/mesh/wireguard/commands.ts'
import { parseDump, parseLink } from '../../src/drivers/mesh/wireguard/parse.ts'

const key = `${'A'.repeat(43)}=`
const other = `${'B'.repeat(43)}=`

test('what wg and ip print is read', () => {
  const peer = [
    other,
    '(none)',
    '192.0.2.2:51820',
    '10.100.1.0/24,10.15.0.2/32,fd12::1:2/128',
    '1700000000',
    '5',
    '6',
    '25',
  ]
  assert.deepEqual(parseDump(`secret\t${key}\t51820\toff\n${peer.join('\t')}\n`), {
    ...{ publicKey: key, port: 51820 },
    peers: [
      {
        ...{ publicKey: other, networks: ['10.100.1.0/24', '10.15.0.2', 'fd12::1:2'], endpoint: '192.0.2.2:51820' },
        ...{ receivedBytes: 5, sentBytes: 6, provedAtSeconds: 1_700_000_000 },
      },
    ],
  })
  const silent = [other, '(none)', '(none)', '(none)', '0', '0', '0', 'off'].join('\t')
  assert.deepEqual(parseDump(`secret\t${key}\t1\toff\n${silent}`).peers, [
    { publicKey: other, networks: [], receivedBytes: 0, sentBytes: 0 },
  ])
  assert.equal(parseLink(''), undefined)
  const shown = [
    {
      mtu: 1420,
      flags: ['UP'],
      addr_info: [
        { local: '10.15.0.1', scope: 'global' },
        { local: 'fe80::1', scope: 'link' },
      ],
    },
  ]
  assert.deepEqual(parseLink(JSON.stringify(shown)), { mtu: 1420, up: true, addresses: ['10.15.0.1'] })
})

test('the private key is in the configuration and nowhere else', () => {
  const peers = [
    {
      name: 'birch',
      number: 2,
      publicKey: other,
      endpoint: '[2001:db8::2]:51820',
      networks: ['10.15.0.2', 'fd12::/120'],
    },
  ]
  assert.equal(
    configText(key, 51820, peers),
    `[Interface]\nPrivateKey = ${key}\nListenPort = 51820\n[Peer]\nPublicKey = ${other}\nEndpoint = [2001:db8::2]:51820\nAllowedIPs = 10.15.0.2, fd12::/120\nPersistentKeepalive = 25\n`,
  )
})

test('routes: only what differs is changed, the new before the old goes', async () => {
  const listed = JSON.stringify([
    { dst: '10.100.1.0/24', dev: 'mesh0', prefsrc: '10.15.0.1', metric: 3000 },
    { dst: '10.100.2.0/24', dev: 'mesh0', prefsrc: '10.15.0.1', metric: 3000 },
    { dst: '10.100.3.0/24', gateway: '192.0.2.2', dev: 'eth0', metric: 3000 },
    { type: 'unreachable', dst: '10.100.0.0/16', metric: 4000 },
  ])
  const asked: Command[] = []
  const run = {
    async run(command: Command) {
      asked.push(command)
      return command.args.includes('-4') ? listed : ''
    },
  } as unknown as Runner
  const changes = await reconcileRoutes(run, [
    { to: '10.100.1.0/24', device: 'mesh0', source: '10.15.0.1' },
    { to: '10.100.3.0/24', device: 'mesh0', source: '10.15.0.1' },
    { to: 'fd12::/64' },
    { to: '10.100.0.0/16' },
  ])
  assert.deepEqual(changes, [
    'route replace 10.100.3.0/24 dev mesh0 metric 3000 protocol 203 src 10.15.0.1',
    'route replace unreachable fd12::/64 metric 4000 protocol 203',
    'route delete 10.100.2.0/24 dev mesh0 metric 3000 protocol 203 src 10.15.0.1',
  ])
  assert.equal(asked.at(-1)?.stdin, `${changes.join('\n')}\n`)
  assert.deepEqual(
    parseRoutes(JSON.stringify([{ dst: '10.1.0.0/24', via: { family: 'inet6', host: 'fe80::1' }, dev: 'e' }])),
    [{ to: '10.1.0.0/24', device: 'e', via: 'fe80::1' }],
  )
})
