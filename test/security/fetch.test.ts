/** What is fetched for a caller from afar comes from afar: no name, notation or redirect leads to this host or its guests. */
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import os from 'node:os'
import { after, test } from 'node:test'
import { NewRoute } from '../../src/api/edge.ts'
import { isCode } from '../../src/api/errors.ts'
import { systemEnv } from '../../src/daemon/env.ts'
import { findNear, mayBeNear, nearHost } from '../../src/daemon/near.ts'
import { fetchFile } from '../../src/daemon/uploads/fetch.ts'

let asked = 0
const server = createServer((request, response) => {
  asked += 1
  const to = new URL(request.url ?? '/', 'http://x').searchParams.get('to')
  if (to) response.writeHead(302, { location: to }).end()
  else response.end('the secret of the host')
})
await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
after(() => {
  server.close()
  server.closeAllConnections()
})
const { port } = server.address() as AddressInfo

const farm = nearHost({ prefix4: '10.100.0.0/16', prefix6: 'fd12:3456::/64', hosts: [] })
const refused = (thrown: unknown) => isCode(thrown, 'REFUSED') && /leads to .*this host/.test((thrown as Error).message)
const signal = AbortSignal.timeout(60_000)

test('by any notation of its address, and by a name that leads there', async () => {
  const hosts = ['127.0.0.1', '127.1', '2130706433', '0x7f.1', '017700000001', '0.0.0.0', '[::1]', '[::]', 'localhost']
  for (const host of [
    ...hosts,
    '[::ffff:127.0.0.1]',
    '[::127.0.0.1]',
    '169.254.169.254',
    '100.100.100.200',
    '10.100.0.7',
    '[fe80::1]',
  ])
    await assert.rejects(fetchFile(`http://${host}:${port}/`, { maxBytes: 99, signal, forbids: farm }), refused, host)
  assert.equal(asked, 0, 'nothing was even connected')
})

test('an address that is typed is the host however it is written, or is no address', async () => {
  const own = os.networkInterfaces().lo?.[0]?.address ?? '127.0.0.1'
  const spellings = [
    ...['127.0.0.1', '127.1', '2130706433', '0x7f000001', '0X7F.1', '0177.0.0.1', '017700000001', '127.0.0.1.', '0'],
    ...['[::1]', '[::]', '[::ffff:127.0.0.1]', '[::FFFF:7f00:1]', '[::127.0.0.1]', '[0:0:0:0:0:0:0:1]', 'localhost'],
    ...['169.254.169.254', '2852039166', '[fe80::1]', '100.100.100.200', '10.100.0.1', '[fd12:3456::7]', own],
  ]
  for (const host of spellings) {
    const { data } = NewRoute.safeParse({ name: 'a.example.org', upstream: `http://${host}:8443` })
    assert.notEqual(await findNear(systemEnv, data?.upstream ?? '', farm), undefined, host)
  }
  for (const host of ['203.0.113.7', '[2001:db8::1]', '10.101.0.1', 'no-such-name.invalid'])
    assert.equal(await findNear(systemEnv, `http://${host}/`, farm), undefined, host)
  for (const host of [
    ...['shop@127.0.0.1', 'user:word@127.0.0.1', '127.0.0.1#.example.org', '127.0.0.1?.example.org', '１２７.0.0.1'],
    ...['127。0。0。1', 'localhost.', '[fe80::1%25lo]', '127.0.0.1\\.example.org', '127.0.0.1 ', 'ⓛocalhost', '[::1].'],
    ...['127.0.0.1%00.example.org', '%31%32%37.0.0.1', '127.0.0.1:80:80', '[127.0.0.1]', '127.0.0.1\n', '0x7f.1@a', ''],
  ])
    assert.ok(!NewRoute.safeParse({ name: 'a.example.org', upstream: `http://${host}` }).success, host)
})

test('root on the host may lead a route there, nobody else', async () => {
  const leading = { what: 'a.example.org', url: 'http://localhost:22', hint: 'no' }
  const root = { name: 'root', role: 'operator' } as const
  assert.equal(await mayBeNear(systemEnv, farm, { ...leading, caller: root }), true)
  assert.equal(await mayBeNear(systemEnv, farm, { ...leading, url: 'http://203.0.113.7', caller: root }), false)
  const lark = { name: 'token:lark', role: 'operator', token: 'lark' } as const
  await assert.rejects(mayBeNear(systemEnv, farm, { ...leading, caller: lark }), { code: 'REFUSED' })
})

test('after a redirect from where it was allowed', async () => {
  const first = new Set(['127.0.0.1'])
  const forbids = (address: string) => !first.has(address) && farm(address)
  for (const to of ['http://127.0.0.2/', 'http://localhost.localdomain.invalid@127.0.0.3/', `http://[::1]:${port}/`]) {
    const address = `http://127.0.0.1:${port}/?to=${encodeURIComponent(to)}`
    const no = (thrown: unknown) => refused(thrown) || isCode(thrown, 'BAD_VALUE')
    await assert.rejects(fetchFile(address, { maxBytes: 99, signal, forbids }), no, to)
  }
})

test('a name is looked at each time it is asked, where it is connected', async () => {
  const before = asked
  const forbids = () => asked > before
  const address = `http://localhost:${port}/?to=${encodeURIComponent(`http://localhost:${port}/`)}`
  await assert.rejects(fetchFile(address, { maxBytes: 99, signal, forbids }), refused)
  assert.equal(asked, before + 1)
})

test('the farm’s ranges, this host’s own addresses, other clouds; the rest of the world is open', () => {
  const own = Object.values(os.networkInterfaces()).flatMap((list) => (list ?? []).map(({ address }) => address))
  for (const address of [
    ...own,
    '10.100.255.255',
    'fd12:3456::9',
    '::ffff:10.100.0.1',
    '::ffff:7f00:1',
    '168.63.129.16',
  ])
    assert.ok(farm(address), address)
  for (const address of ['203.0.113.7', '10.101.0.1', '192.168.77.1', '2001:db8::1', '::ffff:203.0.113.7', 'fd13::1'])
    assert.ok(!farm(address), address)
})

test('root on the host may', async () => {
  const { body } = await fetchFile(`http://127.0.0.1:${port}/`, { maxBytes: 99, signal })
  assert.equal(Buffer.concat(await Array.fromAsync(body)).toString(), 'the secret of the host')
})
