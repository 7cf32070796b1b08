/** Certificates from the command line to the client: the farm's at once, an ACME server's (pebble), imported ones; and kill -9. */
import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { Certificate } from '../../src/api/door.ts'
import type { Status } from '../../src/api/resources.ts'
import { issue } from '../../src/daemon/pki/openssl.ts'
import { createRunner } from '../../src/drivers/exec/runner.ts'
import { validityFrom } from '../../src/plan/certificates.ts'
import { createWorld, type World } from '../acme/world.ts'
import { at, useFarm } from './farm.ts'

const farm = await useFarm()
const run = createRunner()
let world: World
const file = (name: string) => join(farm.stateDir, name)
const armed = file('failpoint')
const daemonEnv = () => ({ SSL_CERT_FILE: world.roots, CROFT_FAILPOINT: armed })

async function withRoutes(act: () => Promise<void>): Promise<void> {
  try {
    await act()
  } finally {
    for (const { name } of await farm.json<{ name: string }[]>('route', 'ls')) await farm.croft('route', 'rm', name)
  }
}

before(async () => {
  world = await createWorld({
    address: at.outside.v4,
    inside: ['nsenter', `--net=/run/netns/${farm.namespaces.outside}`, '--'],
  })
  await world.begin()
  await writeFile(armed, '')
  await farm.restartDaemon({ env: daemonEnv() })
  const ca = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n/.exec(
    await readFile(file('pki/ca.pem'), 'utf8'),
  )
  await writeFile(file('farm-ca.pem'), ca?.[0] ?? '')
  await writeFile(file('acme-root.pem'), await world.root())
})
after(async () => {
  await world[Symbol.asyncDispose]()
})

/** Whether a client that trusts these roots alone gets the page. */
async function trusts(host: string, roots: string): Promise<boolean> {
  const address = `${host}:443:${at.host.v4}`
  const args = [
    '--silent',
    '--max-time',
    '5',
    '--cacert',
    file(roots),
    '--resolve',
    address,
    '--output',
    '/dev/null',
    `https://${host}/`,
  ]
  return (await farm.outside({ file: 'curl', args })).code === 0
}
const becomesTrusted = (host: string, roots: string) =>
  farm.waitFor(() => trusts(host, roots), 60_000, `a certificate of ${host} by ${roots}`)
const serve = (...names: string[]) => {
  const [name = '', ...more] = names
  const also = more.length === 0 ? [] : [`names=${more.join(',')}`]
  return farm.croftOk('route', 'add', name, '--redirect', 'https://elsewhere.example', ...also)
}

test('https by the farm’s CA at once; when somebody agreed, by the ACME server, for names that point here', () =>
  withRoutes(async () => {
    await serve('shop.example', 'www.shop.example', 'old.shop.example')
    await becomesTrusted('shop.example', 'farm-ca.pem')
    await world.name('shop.example', { a: [at.host.v4], aaaa: [at.host.v6] })
    await world.name('www.shop.example', { a: [at.host.v4] })
    await world.name('old.shop.example', { a: ['198.51.100.77'] })
    const refused = await farm.croft('cert', 'issue', 'shop.example')
    assert.equal(refused.code, 4, refused.stderr)
    assert.match(refused.stderr, /agreed.*\n.*croft farm set acme-agreed=yes/)
    await farm.croftOk(
      'farm',
      'set',
      'acme-agreed=yes',
      `acme-directory=${world.directory}`,
      `resolvers=${world.resolver}`,
    )
    await becomesTrusted('shop.example', 'acme-root.pem')
    await becomesTrusted('www.shop.example', 'acme-root.pem')
    assert.ok(await trusts('old.shop.example', 'farm-ca.pem'))
    const shown = await farm.json<Certificate>('cert', 'show', 'www.shop.example')
    assert.deepEqual([shown.kind, shown.state, shown.name], ['acme', 'waits', 'shop.example'])
    assert.match(shown.without?.[0]?.reason ?? '', /points to 198\.51\.100\.77, not to this edge/)
    assert.match(await farm.croftOk('cert', 'ls'), /shop\.example +acme +. waits .*old\.shop\.example: it points to/)
    const { attention } = await farm.json<Status>('status')
    assert.ok(attention.some(({ what, why }) => what === 'certificate shop.example' && /old\.shop/.test(why)))
    const some = await farm.croft('cert', 'issue', 'old.shop.example')
    assert.equal(some.code, 6, some.stdout + some.stderr)
    await world.name('old.shop.example', { a: [at.host.v4] })
    assert.match(await farm.croftOk('cert', 'issue', 'old.shop.example'), /state +. valid/)
    await becomesTrusted('old.shop.example', 'acme-root.pem')
  }))

test('killed with kill -9 at any step, the next daemon has the certificate; the edge serves meanwhile', () =>
  withRoutes(async () => {
    await world.begin()
    await writeFile(file('acme-root2.pem'), await world.root())
    await serve('shop.example')
    const places = ['acmeAccount.before', 'acmeOrder.after', 'acmeProof.after', 'acmeCertificate.before']
    for (const [index, place] of places.entries()) {
      const host = `kill${index}.example`
      await world.name(host, { a: [at.host.v4] })
      await writeFile(armed, place)
      await farm.croft('route', 'add', host, '--redirect', 'https://elsewhere.example')
      await farm.daemonGone()
      assert.ok(await trusts('shop.example', 'acme-root.pem'), place)
      await writeFile(armed, '')
      await farm.startDaemon(daemonEnv())
      await becomesTrusted(host, 'acme-root2.pem')
    }
  }))

test('imported: preferred to all others, its key in nothing that can be read, and the next best after it is gone', () =>
  withRoutes(async () => {
    const validity = validityFrom(Date.now(), 5 * 24 * 3600 * 1000)
    const make = (kind: 'ca' | 'host', names: string[], signer?: string) =>
      issue(run, file('pki/work-test'), {
        kind,
        subject: 'other',
        names,
        ...validity,
        ...(signer === undefined ? {} : { signer }),
      })
    const ca = await make('ca', [])
    const own = await make('host', ['shop.example', '*.shop.example'], ca.key + ca.certificate)
    await writeFile(file('other-ca.pem'), ca.certificate)
    await writeFile(file('key.pem'), own.key)
    await writeFile(file('chain.pem'), own.certificate + ca.certificate)
    await serve('shop.example', 'www.shop.example')
    const lacking = await farm.croft('cert', 'import', file('chain.pem'))
    assert.equal(lacking.code, 2)
    assert.match(lacking.stderr, /no private key: give it with --key/)
    const planned = await farm.croftOk('cert', 'import', file('chain.pem'), '--key', file('key.pem'), '--dry-run')
    assert.match(planned, /import.*shop\.example \*\.shop\.example/)
    assert.ok(await trusts('shop.example', 'acme-root.pem'))
    const said = await farm.croftWith({ stdin: own.key + own.certificate + ca.certificate }, 'cert', 'import', '-')
    assert.equal(said.code, 0, said.stderr)
    assert.match(said.stdout, /shop\.example imported/)
    for (const host of ['shop.example', 'www.shop.example']) await becomesTrusted(host, 'other-ca.pem')
    const { attention } = await farm.json<Status>('status')
    assert.ok(attention.some(({ what, why }) => what === 'certificate shop.example' && /nobody renews it/.test(why)))
    const secret = own.key.split('\n')[1] ?? ''
    const texts = await Promise.all(
      ['/v1/data?limit=1000', '/v1/history?limit=100', '/v1/certificates', '/v1/events?tail=100'].map(
        async (path) => (await farm.api('GET', path)).text,
      ),
    )
    for (const text of [...texts, farm.logTail(10_000)])
      assert.ok(!text.includes('PRIVATE KEY') && !text.includes(secret))
    assert.equal((await farm.croft('cert', 'rm', 'ash', '-y')).code, 4)
    assert.match((await farm.croft('cert', 'rm', 'www.shop.example', '-y')).stderr, /croft cert rm shop\.example/)
    await farm.croftOk('cert', 'rm', 'shop.example', '-y')
    await becomesTrusted('shop.example', 'acme-root.pem')
  }))

test('a new CA of the farm: the edge is by it at once, and visitors who know either get in; it is known as the farm’s own', () =>
  withRoutes(async () => {
    await serve('plain.example')
    await becomesTrusted('plain.example', 'farm-ca.pem')
    await farm.croftOk('cert', 'rotate')
    const [, present = ''] = (await readFile(file('pki/ca.pem'), 'utf8')).split(/(?=-----BEGIN CERTIFICATE)/)
    await writeFile(file('farm-ca2.pem'), present)
    await becomesTrusted('plain.example', 'farm-ca2.pem')
    assert.ok(await trusts('plain.example', 'farm-ca.pem'))
    const said = await farm.croft('check', 'plain.example')
    assert.match(said.stdout, /by the farm’s own CA: browsers do not know it/)
    assert.doesNotMatch(said.stdout, /nobody trusts/)
    await farm.croftOk('cert', 'rotate', '--finish')
    assert.ok(await trusts('plain.example', 'farm-ca2.pem'))
  }))
