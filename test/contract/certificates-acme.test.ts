/** The farm's certificates against pebble and a real name server, in a network namespace of its own. Needs root. */
import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createCertificates } from '../../src/daemon/certificates/certificates.ts'
import { type Env, systemEnv } from '../../src/daemon/env.ts'
import { openAuthority } from '../../src/daemon/pki/authority.ts'
import { lazySeal } from '../../src/daemon/pki/seal.ts'
import { keys } from '../../src/daemon/records/keys.ts'
import { createAcmeClient } from '../../src/drivers/acme/client/index.ts'
import type { EdgeCertificate } from '../../src/drivers/edge/driver.ts'
import type { Command } from '../../src/drivers/exec/command.ts'
import { createRunner } from '../../src/drivers/exec/runner.ts'
import { createMemoryStore } from '../../src/store/memory/index.ts'
import { createWorld } from '../acme/world.ts'
import { isInside, runInside } from './namespace.ts'

const run = createRunner()
const ip = (...args: string[]): Command => ({ file: 'ip', args, timeoutMs: 10_000 })
const edge = { v4: '203.0.113.9', v6: '2001:db8::9' } as const
const day = 24 * 3600 * 1000

if (!isInside) runInside('certificates', import.meta.url, 'c')
else {
  await run.run(ip('link', 'set', 'lo', 'up'))
  for (const address of [`${edge.v4}/32`, `${edge.v6}/128`, '203.0.113.7/32'])
    await run.run(ip('address', 'add', address, 'dev', 'lo'))
  const world = await createWorld({ address: edge.v4 })
  const folder = await mkdtemp('/var/tmp/cfc')
  const dnsHook = join(folder, 'acme-dns01')
  const clock = { ahead: 0 }
  const env: Env = { ...systemEnv, now: () => Date.now() + clock.ahead }
  const store = createMemoryStore({ now: () => env.monotonicMs(), id: 'x' })
  const set = (more: object = {}) => {
    const settings = {
      acmeAgreed: true,
      acmeDirectory: world.directory,
      resolvers: [world.resolver],
      addresses: [edge.v4, edge.v6],
      // Here the server is an address of the host.
      acmeNear: true,
    }
    const farm = { name: 'meadow', prefix4: '10.100.0.0/16', prefix6: 'fd12:3456::/64', edge: { ...settings, ...more } }
    return store.transact([], [{ put: keys.farm, value: farm }])
  }
  const authority = await openAuthority({
    env,
    run,
    folder: join(folder, 'pki'),
    farm: 'meadow',
    host: 'ash',
    names: () => [],
  })
  const said: string[] = []
  const log = (fields: object, message: string) => void said.push(`${message} ${JSON.stringify(fields)}`)
  const start = () =>
    createCertificates({
      ...{
        env,
        store,
        run,
        dnsHook,
        folder: join(folder, 'pki'),
        seal: lazySeal(join(folder, 'pki')),
        ca: authority,
        log: { info: log, warn: log, error: log },
      },
      acme: createAcmeClient({ environment: { SSL_CERT_FILE: world.roots } }),
      ...{ failpoint: () => undefined, addresses: () => [] },
    })
  let certificates = start()
  /** The edge, as far as a CA sees it. */
  const answer = async ({ url }: IncomingMessage, response: ServerResponse) => {
    const found = (await certificates.tokens()).find(({ token }) => url === `/.well-known/acme-challenge/${token}`)
    response.writeHead(found ? 200 : 404).end(found?.answer)
  }
  const edges = Object.values(edge).map((address) => createServer(answer).listen(80, address))
  after(async () => {
    await certificates.close()
    for (const each of edges) each.close().closeAllConnections()
    await world[Symbol.asyncDispose]()
    await rm(folder, { recursive: true, force: true })
  })

  async function until(met: () => Promise<boolean>, what: string): Promise<void> {
    const deadline = performance.now() + 40_000
    while (!(await met())) {
      assert.ok(
        performance.now() < deadline,
        `${what} did not come\n${said.slice(-8).join('\n')}\n${JSON.stringify(await certificates.views())}`,
      )
      await sleep(50)
    }
  }
  const view = async (name: string) => (await certificates.views()).find((each) => each.name === name)
  const becomes = (name: string, state: string, kind = 'acme') =>
    until(async () => {
      const now = await view(name)
      return now?.state === state && now.kind === kind
    }, `${name} ${kind} ${state}`)
  const servedBy = (served: readonly EdgeCertificate[], name: string) =>
    served.find(({ names }) => names.includes(name))
  const serialOf = (served: readonly EdgeCertificate[], name: string) =>
    new X509Certificate(servedBy(served, name)?.pem ?? '').serialNumber

  const shop = [
    'shop.example',
    'www.shop.example',
    'old.shop.example',
    'six.shop.example',
    'none.shop.example',
    'web.meadow.internal',
  ]

  test('names that point here by A and AAAA get one certificate; each other is named with the reason', async () => {
    await world.begin()
    await set()
    await authority.refresh()
    await world.name('shop.example', { a: [edge.v4], aaaa: [edge.v6] })
    await world.name('www.shop.example', { a: [edge.v4] })
    await world.name('old.shop.example', { a: ['198.51.100.7'] })
    await world.name('six.shop.example', { a: [edge.v4], aaaa: ['2001:db8::bad'] })
    const first = await certificates.certificatesFor([shop])
    assert.deepEqual(
      first.map(({ name }) => name),
      ['farm-shop.example'],
      'at once',
    )
    await becomes('shop.example', 'waits')
    const served = await certificates.certificatesFor([shop])
    assert.deepEqual(
      served.map(({ name, names }) => [name, names]),
      [
        ['acme-shop.example', ['shop.example', 'www.shop.example']],
        ['farm-shop.example', ['none.shop.example', 'old.shop.example', 'six.shop.example', 'web.meadow.internal']],
      ],
    )
    const chain = [
      ...(servedBy(served, 'shop.example')?.pem ?? '').matchAll(
        /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g,
      ),
    ]
    const [leaf, middle] = chain.map(([pem]) => new X509Certificate(pem))
    const root = new X509Certificate(await world.root())
    assert.ok(leaf && middle && leaf.verify(middle.publicKey) && middle.verify(root.publicKey))
    const { without = [] } = (await view('shop.example')) ?? {}
    assert.deepEqual(without.map(({ name, reason }) => [name, reason]).sort(), [
      ['none.shop.example', 'it has no address that the public sees'],
      ['old.shop.example', `it points to 198.51.100.7, not to this edge (${edge.v4}, ${edge.v6})`],
      ['six.shop.example', `it points to 2001:db8::bad, not to this edge (${edge.v4}, ${edge.v6})`],
    ])
  })

  test('a name that points here now is taken in, and the store holds no key and no token', async () => {
    for (const name of ['old', 'six', 'none']) await world.name(`${name}.shop.example`, { a: [edge.v4] })
    await certificates.issueNow('shop.example')
    await becomes('shop.example', 'valid')
    const served = await certificates.certificatesFor([shop])
    assert.equal(servedBy(served, 'none.shop.example')?.name, 'acme-shop.example')
    assert.deepEqual(await certificates.tokens(), [])
    const all = JSON.stringify((await store.list('')).entries)
    assert.ok(!all.includes('PRIVATE KEY') && all.includes('croft1.'))
  })

  test('something else that hears on a name’s address is told, and the CA is not asked', async () => {
    const other = createServer((_, response) => response.end('parked')).listen(80, '203.0.113.7')
    await set({ addresses: [edge.v4, edge.v6, '203.0.113.0/29'] })
    await world.name('parked.example', { a: ['203.0.113.7'] })
    const began = said.length
    await certificates.certificatesFor([shop, ['parked.example']])
    await becomes('parked.example', 'failing', 'farm')
    other.closeAllConnections()
    other.close()
    assert.match((await view('parked.example'))?.failure?.reason ?? '', /does not answer as this edge/)
    assert.match(said.slice(began).join('\n'), /gives no certificate/)
    await set()
  })

  test('CAA that lets only another CA issue is told before anything is asked', async () => {
    await world.name('caa.example', { a: [edge.v4], caa: [{ tag: 'issue', value: 'other.example' }] })
    await certificates.certificatesFor([shop, ['caa.example']])
    await until(
      async () =>
        (await view('caa.example'))?.kind === 'acme' || ((await view('caa.example'))?.without?.length ?? 0) > 0,
      'a verdict',
    )
    const told = await view('caa.example')
    // The server of the test names no identity of its own in its directory: then only it can judge.
    assert.ok(told?.kind === 'acme' || /other\.example/.test(told?.without?.[0]?.reason ?? ''), JSON.stringify(told))
  })

  test('a wildcard by the hook; without one the reason says so', async () => {
    await certificates.certificatesFor([['*.wild.example', 'wild.example']])
    await until(
      async () => ((await view('_.wild.example'))?.without ?? []).some(({ reason }) => /acme-dns01/.test(reason)),
      'the reason',
    )
    const told = join(folder, 'told')
    const curl = `curl -sf -d "{\\"host\\":\\"$2.\\",\\"value\\":\\"$3\\"}" http://${edge.v4}:8055/$1-txt`
    await writeFile(dnsHook, `#!/bin/sh\necho "$1 $2" >>${told}\n${curl}\n`)
    await chmod(dnsHook, 0o755)
    await certificates.issueNow('_.wild.example')
    await becomes('_.wild.example', 'valid')
    assert.deepEqual((await readFile(told, 'utf8')).trim().split('\n'), [
      'set _acme-challenge.wild.example',
      'clear _acme-challenge.wild.example',
    ])
    await writeFile(dnsHook, '#!/bin/sh\necho "no such zone" >&2\nexit 3\n')
    await certificates.certificatesFor([['*.bad.example']])
    await becomes('_.bad.example', 'failing', 'farm')
    assert.match((await view('_.bad.example'))?.failure?.reason ?? '', /exit 3 no such zone/)
  })

  test('at two thirds of its life it is renewed; while the server is away the old one serves on and the back-off is kept', async () => {
    const before = await certificates.certificatesFor([shop])
    await world.end()
    clock.ahead = 4 * 365 * day
    await certificates.certificatesFor([shop])
    await becomes('shop.example', 'failing')
    const failure = (await view('shop.example'))?.failure
    assert.match(failure?.reason ?? '', /does not answer/)
    assert.ok(Date.parse(failure?.retries ?? '') > Date.parse(failure?.at ?? ''))
    assert.equal(serialOf(await certificates.certificatesFor([shop]), 'shop.example'), serialOf(before, 'shop.example'))
    await certificates.close()
    certificates = start()
    await certificates.certificatesFor([shop])
    assert.equal((await view('shop.example'))?.failure?.reason, failure?.reason, 'known after a restart')
    await world.begin()
    await certificates.issueNow('shop.example')
    await becomes('shop.example', 'valid')
    const renewed = await certificates.certificatesFor([shop])
    assert.notEqual(serialOf(renewed, 'shop.example'), serialOf(before, 'shop.example'))
    clock.ahead = 0
  })

  test('nobody agreed: nothing is asked, what is there serves, and old refusals are no trouble', async () => {
    assert.equal((await certificates.certificatesFor([shop, ['*.bad.example']])).length > 0, true)
    assert.equal((await view('_.bad.example'))?.state, 'failing')
    await set({ acmeAgreed: false })
    const served = await certificates.certificatesFor([shop, ['quiet.example'], ['*.bad.example']])
    assert.equal((await view('_.bad.example'))?.state, 'valid')
    assert.equal(servedBy(served, 'shop.example')?.name, 'acme-shop.example')
    assert.equal(servedBy(served, 'quiet.example')?.name, 'farm-quiet.example')
    await assert.rejects(certificates.issueNow('quiet.example'), /agreed/)
  })
}
