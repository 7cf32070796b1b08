/** The edge's certificates, by the real openssl and a store in memory. */
import assert from 'node:assert/strict'
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { createCertificates } from '../../../src/daemon/certificates/certificates.ts'
import { systemEnv } from '../../../src/daemon/env.ts'
import { openAuthority } from '../../../src/daemon/pki/authority.ts'
import { lazySeal } from '../../../src/daemon/pki/seal.ts'
import { createRunner } from '../../../src/drivers/exec/runner.ts'
import { createMemoryStore } from '../../../src/store/memory/index.ts'

const day = 24 * 3600 * 1000
const quiet = { info: () => {}, warn: () => {}, error: () => {} }

/** A clock that is moved by hand; what waits goes off when its time has come. */
async function world() {
  const path = await mkdtemp(join(tmpdir(), 'croft-certs-'))
  const clock = { now: Date.now(), waiting: new Set<{ at: number; work: () => void }>() }
  const env = {
    ...systemEnv,
    now: () => clock.now,
    later(ms: number, work: () => void) {
      const each = { at: clock.now + ms, work }
      clock.waiting.add(each)
      return { [Symbol.dispose]: () => clock.waiting.delete(each) }
    },
  }
  const store = createMemoryStore({ now: () => 0, id: 'x' })
  const open = async (folder: string) => {
    const ca = await openAuthority({ env, run: createRunner(), folder, farm: 'meadow', host: 'ash', names: () => [] })
    await ca.refresh()
    return ca
  }
  const ca = await open(join(path, 'pki'))
  const made: string[][] = []
  const issue = {
    fingerprint: () => ca.fingerprint(),
    issueEdge(names: readonly string[]) {
      made.push([...names])
      return ca.issueEdge(names)
    },
  }
  const start = (more: object = {}) =>
    createCertificates({
      ...{
        env,
        store,
        log: quiet,
        run: createRunner(),
        folder: join(path, 'pki'),
        seal: lazySeal(join(path, 'pki')),
        ca: { ...issue, ...more },
      },
      ...{ failpoint: () => {}, addresses: () => [], dnsHook: '/none' },
      acme: { name: 'none', issue: () => Promise.reject(new Error('nobody asked for it')) },
    })
  return {
    ...{ clock, store, made, start, open, path, ca, root: () => new X509Certificate(ca.material().ca) },
    pass(ms: number) {
      clock.now += ms
      for (const each of [...clock.waiting]) if (each.at <= clock.now && clock.waiting.delete(each)) each.work()
    },
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  }
}

test('each route has a certificate of the farm’s CA at once, and the same one after a restart', async () => {
  await using farm = await world()
  const first = farm.start()
  const groups = [['shop.example.org', 'www.shop.example.org'], ['*.preview.example'], ['shop.example.org']]
  const served = await first.certificatesFor(groups)
  assert.deepEqual(
    served.map(({ name, names }) => [name, names]),
    [
      ['farm-_.preview.example', ['*.preview.example']],
      ['farm-shop.example.org', ['shop.example.org', 'www.shop.example.org']],
    ],
  )
  for (const { pem, names } of served) {
    const x509 = new X509Certificate(pem)
    assert.ok(x509.checkPrivateKey(createPrivateKey(pem)) && x509.verify(farm.root().publicKey))
    for (const name of names) assert.ok(x509.checkHost(name.replace('*', 'any')))
  }
  await first.close()
  const second = farm.start()
  assert.deepEqual(await second.certificatesFor(groups), served)
  assert.equal(farm.made.length, 2)
  const { entries } = await farm.store.list('')
  assert.ok(!JSON.stringify(entries).includes('PRIVATE KEY'), 'the store has no key')
  await second.close()
})

test('names are added at once; at two thirds of its life it is renewed without anybody asking', async () => {
  await using farm = await world()
  const certificates = farm.start()
  let told = 0
  certificates.onChange(() => told++)
  await certificates.certificatesFor([['a.example']])
  const [two] = await certificates.certificatesFor([['a.example', 'b.example']])
  assert.ok(new X509Certificate(two?.pem ?? '').checkHost('b.example'))
  await certificates.certificatesFor([['a.example']])
  assert.deepEqual(farm.made, [['a.example'], ['a.example', 'b.example']])
  assert.equal(told, 0)
  for (let passed = 0; passed < 59; passed++) farm.pass(day)
  await certificates.certificatesFor([['a.example']])
  assert.equal(farm.made.length, 2)
  const before = told
  farm.pass(day)
  farm.pass(day)
  assert.ok(told > before)
  await certificates.certificatesFor([['a.example']])
  assert.equal(farm.made.length, 3)
  await certificates.close()
})

test('what guests are given is for the one name, with a key of its own, whatever becomes of the route', async () => {
  await using farm = await world()
  const certificates = farm.start()
  const [ofRoute, ofGuest, ...none] = await certificates.certificatesFor([['a.example']], ['a.example', 'a.example'])
  assert.deepEqual(
    [ofRoute, ofGuest].map((each) => [each?.name, each?.lent]),
    [
      ['farm-a.example', false],
      ['farm-guest_a.example', true],
    ],
  )
  assert.deepEqual(none, [])
  const keyOf = (pem = '') => createPrivateKey(pem).export({ type: 'pkcs8', format: 'pem' })
  assert.notEqual(keyOf(ofGuest?.pem), keyOf(ofRoute?.pem))
  const names = ['a.example', 'b.example']
  const { key, certificate } = await farm.ca.issueEdge(names)
  const { key: at, value } = await certificates.seal({ kind: 'imported', name: 'a.example', key, chain: certificate })
  await farm.store.transact([], [{ put: at, value }])
  await certificates.known(at)
  for (const groups of [[['a.example', 'b.example']], [['b.example', 'a.example']], []]) {
    const served = await certificates.certificatesFor(groups, ['a.example'])
    assert.deepEqual(
      served.filter(({ lent }) => lent),
      [ofGuest],
    )
    assert.ok(served.every(({ lent, name }) => lent || name === 'imported-a.example'))
  }
  assert.deepEqual(new X509Certificate(ofGuest?.pem ?? '').subjectAltName, 'DNS:a.example')
  const alone = await farm.ca.issueEdge(['c.example'])
  const one = await certificates.seal({ kind: 'imported', name: 'c.example', key: alone.key, chain: alone.certificate })
  await farm.store.transact([], [{ put: one.key, value: one.value }])
  await certificates.known(one.key)
  const given = await certificates.certificatesFor([['c.example']], ['c.example'])
  assert.deepEqual(
    given.map(({ name, lent }) => [name, lent]),
    [
      ['imported-c.example', false],
      ['imported-c.example', true],
    ],
  )
  await certificates.close()
})

test('a CA that cannot sign now holds up nothing else, and is asked again', async () => {
  await using farm = await world()
  const working = farm.start()
  const there = await working.certificatesFor([['a.example']])
  const broken = farm.start({ issueEdge: () => Promise.reject(new Error('no openssl')) })
  let told = 0
  broken.onChange(() => told++)
  assert.deepEqual(await broken.certificatesFor([['a.example'], ['b.example']]), there)
  farm.pass(5000)
  assert.equal(told, 1)
  await Promise.all([working.close(), broken.close()])
})

test('after a change of the farm’s CA everything is made anew', async () => {
  await using farm = await world()
  const one = farm.start()
  await one.certificatesFor([['a.example']])
  const other = await farm.open(join(farm.path, 'other'))
  const two = farm.start({
    fingerprint: () => other.fingerprint(),
    issueEdge: (names: string[]) => other.issueEdge(names),
  })
  const [served] = await two.certificatesFor([['a.example']])
  assert.ok(new X509Certificate(served?.pem ?? '').verify(new X509Certificate(other.material().ca).publicKey))
  await Promise.all([one.close(), two.close()])
})

test('a hundred long names fit, and hostile ones reach no configuration', async () => {
  await using farm = await world()
  const long = Array.from({ length: 100 }, (_, at) => `${`${'x'.repeat(60)}.`.repeat(3)}n${at}.example.org`)
  const certificates = farm.start()
  const [served] = await certificates.certificatesFor([long])
  assert.equal(served?.names.length, 100)
  for (const name of ['a.org\nx = 1', 'a.org,DNS:b.org', '$HOME.org', '-a.org', 'a b.org', ''])
    assert.deepEqual(await certificates.certificatesFor([[name]]), [], JSON.stringify(name))
  await certificates.close()
})

test('an imported one serves until it ends, and the farm’s own from that moment on; one whose key is lost never', async () => {
  await using farm = await world()
  const certificates = farm.start()
  const { key, certificate } = await farm.ca.issueEdge(['a.example'])
  const { key: at, value } = await certificates.seal({ kind: 'imported', name: 'a.example', key, chain: certificate })
  await farm.store.transact([], [{ put: at, value }])
  await certificates.known(at)
  const names = async () => (await certificates.certificatesFor([['a.example']])).map(({ name }) => name)
  assert.deepEqual(await names(), ['imported-a.example'])
  let told = 0
  certificates.onChange(() => told++)
  for (let passed = 0; passed < 91; passed++) farm.pass(day)
  assert.ok(told > 0)
  assert.deepEqual(await names(), ['farm-a.example'])
  const { value: other } = await certificates.seal({ kind: 'imported', name: 'b.example', key, chain: certificate })
  const fresh = { ...other, names: ['a.example'], expires: new Date(farm.clock.now + day).toISOString() }
  await farm.store.transact([], [{ put: at, value: fresh }])
  await certificates.known(at)
  assert.deepEqual(await names(), ['farm-a.example'], 'sealed for another record')
  assert.deepEqual(
    (await certificates.views()).map(({ kind, state }) => [kind, state]),
    [
      ['farm', 'valid'],
      ['imported', 'lost'],
    ],
  )
  await certificates.close()
})
