/** Certificates of guests: who has one, who no longer, and that nobody gets the one of somebody else. */
import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Guest } from '../../src/api/guest.ts'
import { createLending } from '../../src/daemon/edge/lending.ts'
import { systemEnv } from '../../src/daemon/env.ts'
import { openAuthority } from '../../src/daemon/pki/authority.ts'
import { createRunner } from '../../src/drivers/exec/runner.ts'
import type { Definition } from '../../src/drivers/runtime/driver.ts'
import { createFakeRuntime } from '../../src/drivers/runtime/fake/index.ts'
import type { EdgeGuest } from '../../src/plan/edge.ts'

import { SimFarm } from './farm.ts'

const clock = { now: () => 0, later: () => ({ [Symbol.dispose]() {} }) }
const log = { info() {}, warn() {}, error() {} }
const definition = (number: number): Definition => ({
  ...{ number, id: `guest-${number}`, hostName: 'web', rootPath: '/fake/root', uidBase: 0x70000000, limits: {} },
  link: { name: `croft${number}`, ipv4: '10.100.3.1', ipv6: 'fd12::1', mtu: 1500, mac: '0a:c7:0f:00:03:01', more: [] },
  files: { hosts: '127.0.0.1 localhost\n', resolv: 'nameserver 192.0.2.1\n', keys: '' },
})
const block = (what: string, text: string) => `-----BEGIN ${what}-----\n${text}\n-----END ${what}-----\n`
const edgeCertificate = (name: string, text: string) => ({
  ...{ name, names: [name] },
  pem: block('PRIVATE KEY', `key${text}`) + block('CERTIFICATE', text) + block('CERTIFICATE', 'root'),
})
const guest = (number: number, certificate?: string, slot: number | undefined = number): EdgeGuest => ({
  ...{ number, id: `g${number}`, name: `g${number}`, address: '10.100.0.1', run: 'running', state: 'running' },
  ...{ certificate, ...(slot === undefined ? {} : { slot }) },
})

test('each guest of this host has that of its own name, and the next one; who is to have none has none', async () => {
  const runtime = createFakeRuntime(clock)
  for (const number of [1, 2, 3, 4]) await runtime.define(definition(number))
  // Of a daemon before.
  await runtime.lend({ number: 2, uidBase: 1 }, { cert: 'old', key: 'old' })
  const lending = createLending({ runtime, log, host: { uidBase: 0x70000000 } as never })
  const [a, b] = [edgeCertificate('a.org', 'AAAA'), edgeCertificate('b.org', 'BBBB')]
  const far = { ...guest(4, 'a.org'), slot: undefined } as unknown as EdgeGuest
  await lending.lend([guest(1, 'a.org'), guest(2), guest(3, 'b.org'), far], [a, b])
  const certs = () => [1, 2, 3, 4].map((number) => runtime.lent(number)?.cert.match(/[A-Z]{4}(?=\n)/)?.[0])
  assert.deepEqual(certs(), ['AAAA', undefined, 'BBBB', undefined])
  assert.deepEqual(runtime.lent(1), {
    cert: block('CERTIFICATE', 'AAAA') + block('CERTIFICATE', 'root'),
    key: block('PRIVATE KEY', 'keyAAAA'),
  })
  await lending.lend([guest(1, 'a.org'), guest(3, 'b.org')], [edgeCertificate('a.org', 'CCCC')])
  assert.deepEqual(certs(), ['CCCC', undefined, 'BBBB', undefined], 'the last one stays while there is no other')
  await lending.lend([guest(1), guest(3, 'b.org')], [a, b])
  assert.deepEqual(certs(), [undefined, undefined, 'BBBB', undefined])
})

test('one that cannot be given its certificate keeps nobody else waiting', async () => {
  const runtime = createFakeRuntime(clock)
  await runtime.define(definition(2))
  const broken = {
    lend: async (of: { number: number }, pair: never) =>
      of.number === 1 ? Promise.reject(new Error('no room')) : runtime.lend(of as never, pair),
  }
  const lending = createLending({ runtime: broken as never, log, host: { uidBase: 0x70000000 } as never })
  await lending.lend([guest(1, 'a.org'), guest(2, 'a.org')], [edgeCertificate('a.org', 'AAAA')])
  assert.match(runtime.lent(2)?.cert ?? '', /AAAA/)
})

test('a clone has no certificate of its source', async () => {
  const farm = await new SimFarm().open()
  await farm.ask('createGuest', { body: { name: 'post', template: 'debian:12' } })
  await farm.pass(5)
  await farm.ask('changeGuest', { params: { guest: 'post' }, body: { certificate: 'Mail.example.org' } })
  await farm.pass(2)
  await farm.ask('cloneGuest', { params: { guest: 'post' }, body: { name: 'two' } })
  await farm.pass(5)
  const of = async (name: string) =>
    ((await farm.ask('getGuest', { params: { guest: name } })) as Guest).spec.certificate
  assert.deepEqual([await of('post'), await of('two')], ['mail.example.org', undefined])
})

/** A farm whose CA signs these, made beforehand: no time passes while it signs. */
async function signing(...groups: readonly (readonly string[])[]): Promise<SimFarm> {
  const farm = new SimFarm()
  const folder = await mkdtemp(join(tmpdir(), 'croft-lending-'))
  const env = { ...systemEnv, now: () => farm.clock.now() }
  const run = createRunner()
  const ca = await openAuthority({ env, run, folder, farm: 'meadow', host: 'ash', names: () => [] })
  const made = new Map<string, Awaited<ReturnType<typeof ca.issueEdge>>[]>()
  for (const names of groups) made.set(`${names}`, [...(made.get(`${names}`) ?? []), await ca.issueEdge(names)])
  await rm(folder, { recursive: true })
  farm.ca = {
    fingerprint: () => 'of-the-ca',
    issueEdge: async (names) => made.get(`${names}`)?.shift() ?? Promise.reject(new Error(`nobody expected ${names}`)),
  }
  return farm
}

test('who changes a route, or takes its name over, puts no other key into the guest that has the certificate of that name', async () => {
  const domain = 'a.example.org'
  const others = [domain, 'shop.victim.example', '*.example.org']
  const farm = await signing([domain], [domain], others.slice(0, 2), ['*.example.org'], [domain, 'b.example.org'])
  await farm.open()
  for (const name of ['post', 'web']) await farm.ask('createGuest', { body: { name, template: 'debian:12' } })
  await farm.pass(5)
  const { number } = (await farm.ask('getGuest', { params: { guest: 'post' } })) as Guest
  await farm.ask('addRoute', { body: { name: domain, to: 'post:80' } })
  await farm.ask('changeGuest', { params: { guest: 'post' }, body: { certificate: domain } })
  await farm.pass(5)
  const first = farm.runtime.lent(number)
  assert.equal(new X509Certificate(first?.cert ?? '').subjectAltName, `DNS:${domain}`)
  const served = () => farm.edge.wish?.certificates.flatMap(({ names }) => names).sort()
  assert.deepEqual(served(), [domain])
  await farm.ask('changeRoute', { params: { route: domain }, body: { names: others.slice(1) } })
  await farm.pass(5)
  assert.deepEqual(served(), others.toSorted())
  assert.deepEqual(farm.runtime.lent(number), first)
  await farm.ask('removeRoute', { params: { route: domain }, body: {} })
  await farm.pass(5)
  assert.deepEqual(farm.runtime.lent(number), first)
  await farm.ask('addRoute', { body: { name: domain, to: 'web:80', names: ['b.example.org'] } })
  await farm.pass(5)
  assert.deepEqual(served(), [domain, 'b.example.org'])
  assert.deepEqual(farm.runtime.lent(number), first)
  assert.ok(!farm.edge.wish?.certificates.some(({ pem }) => pem.includes(first?.key.trim() ?? '')), 'a key of its own')
})
