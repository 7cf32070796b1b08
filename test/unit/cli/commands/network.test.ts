/** Addresses, ports and rules as commands: what is sent, what is printed. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { croft, fakeDaemon, guest, operation } from '../fake-daemon.ts'

test('addresses are sent one by one, announced when asked, and what must be known is said', async () => {
  await using daemon = await fakeDaemon(({ method }) =>
    method === 'GET' ? { value: { items: [] } } : { value: { operation: operation(), result: null } },
  )
  const added = await croft(['address', 'add', 'web', '203.0.113.5', '2001:db8::5', '--announce'], daemon)
  assert.equal(added.code, 0, added.err)
  assert.match(added.err, /croft allow web from any tcp\/443/)
  assert.equal((await croft(['address', 'rm', '2001:db8::5'], daemon)).code, 0)
  assert.deepEqual(
    daemon.asked.filter(({ method }) => method !== 'GET').map(({ method, path, body }) => [method, path, body]),
    [
      ['POST', '/v1/guests/web/addresses', { address: '203.0.113.5', announce: true }],
      ['POST', '/v1/guests/web/addresses', { address: '2001:db8::5', announce: true }],
      ['DELETE', '/v1/addresses/2001%3Adb8%3A%3A5', undefined],
    ],
  )
  assert.equal((await croft(['address', 'add', 'web'], daemon)).code, 2)
  assert.equal((await croft(['address', 'add', 'web@monday', '203.0.113.5'], daemon)).code, 2)
})

test('ports and rules of all guests are listed when none is named', async () => {
  const port = { protocol: 'tcp', hostPort: 8080, guestPort: 80 }
  const web = guest('web')
  const rule = { action: 'allow', direction: 'in', peer: 'pg', service: { protocol: 'any' }, log: false, packets: 3 }
  await using daemon = await fakeDaemon(({ path }) =>
    path === '/v1/rules'
      ? { value: { items: [{ guest: 'web', ...rule }] } }
      : { value: { items: [guest('pg'), { ...web, spec: { ...web.spec, ports: [port] } }] } },
  )
  for (const words of [['port'], ['port', 'ls']]) assert.match((await croft(words, daemon)).out, /web +8080 +80 +tcp/)
  for (const words of [['allow'], ['allow', 'ls'], ['deny']])
    assert.match((await croft(words, daemon)).out, /web +allow +from +pg +any +3/)
  for (const words of [
    ['port', '--rm'],
    ['allow', '--rm', '--all'],
  ])
    assert.match((await croft(words, daemon)).err, /of which guest/)
})
