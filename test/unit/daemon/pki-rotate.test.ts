/** A new CA beside the old one: who trusts either gets in, by real TLS, until the old one is told to go. */
import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { connect, createServer, type TLSSocket } from 'node:tls'
import { isCode } from '../../../src/api/errors.ts'
import { fetchAuthority } from '../../../src/cli/wire/remote.ts'
import { systemEnv } from '../../../src/daemon/env.ts'
import { type Authority, openAuthority } from '../../../src/daemon/pki/authority.ts'
import { createRunner } from '../../../src/drivers/exec/runner.ts'

const folder = await mkdtemp(join(tmpdir(), 'croft-rotate-'))
after(() => rm(folder, { recursive: true, force: true }))
const file = join(folder, 'ca.pem')
const open = () =>
  openAuthority({
    env: systemEnv,
    run: createRunner(),
    folder,
    farm: 'meadow',
    host: 'ash',
    names: () => ['127.0.0.1'],
  })

interface Client {
  readonly ca: string
  readonly pem?: string
}

/** What a door with this material makes of the client, and the client of the door. */
async function meet(authority: Authority, { ca, pem }: Client): Promise<string> {
  const seen = Promise.withResolvers<boolean>()
  const server = createServer(
    { ...authority.material(), minVersion: 'TLSv1.3', requestCert: true, rejectUnauthorized: false },
    (socket: TLSSocket) => {
      seen.resolve(socket.authorized)
      socket.on('error', () => {}).end('here')
    },
  )
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  try {
    const socket = connect({
      host: '127.0.0.1',
      port,
      ca,
      checkServerIdentity: () => undefined,
      ...(pem ? { key: pem, cert: pem } : {}),
    })
    return await new Promise<string>((resolve) => {
      socket.once('error', (thrown: NodeJS.ErrnoException) => resolve(String(thrown.code)))
      socket.once('data', () => seen.promise.then((authorized) => resolve(authorized ? 'known' : 'in')))
    })
  } finally {
    server.close()
  }
}

async function shownAt(authority: Authority, pinned: string | undefined): Promise<string> {
  const server = createServer({ ...authority.material(), minVersion: 'TLSv1.3' }, (socket) =>
    socket.on('error', () => {}),
  )
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  try {
    return (await fetchAuthority(`127.0.0.1:${(server.address() as AddressInfo).port}`, pinned)).fingerprint
  } finally {
    server.close()
  }
}

const rootOf = (authority: Authority): string =>
  `${authority.material().ca.split('-----END CERTIFICATE-----\n')[0]}-----END CERTIFICATE-----\n`
const issued = async (authority: Authority, name: string): Promise<string> => {
  const { key, certificate } = await authority.issueClient(name, Date.now() + 3600_000)
  return `${key}${certificate}`
}

test('both are trusted until the end, also over a restart; afterwards the new one alone', async () => {
  const first = await open()
  await first.refresh()
  const old = { ca: rootOf(first), fingerprint: first.fingerprint(), pem: await issued(first, 'before') }
  assert.equal(await meet(first, old), 'known')
  await first.rotate()
  assert.equal(await meet(first, { ca: old.ca }), 'in', 'before the host has another certificate')
  assert.equal(await first.refresh(), true)
  assert.equal(await first.refresh(), false)
  const during = await open()
  assert.equal(await during.refresh(), false)
  assert.notEqual(during.fingerprint(), old.fingerprint)
  assert.equal(during.former(), old.fingerprint)
  const fresh = { ca: rootOf(during), pem: await issued(during, 'after') }
  for (const authority of [first, during])
    for (const ca of [old.ca, fresh.ca])
      for (const pem of [old.pem, fresh.pem]) assert.equal(await meet(authority, { ca, pem }), 'known')
  assert.equal(await shownAt(during, old.fingerprint), old.fingerprint)
  assert.equal(await shownAt(during, during.fingerprint()), during.fingerprint())
  assert.equal(await shownAt(during, undefined), during.fingerprint(), 'who asks is shown the new one')
  assert.deepEqual(
    during.certificates().map(({ kind, name }) => `${kind} ${name}`),
    ['ca meadow', 'ca meadow-former', 'host ash'],
  )
  await assert.rejects(during.rotate(), (thrown) => isCode(thrown, 'BUSY'))
  assert.equal(await during.finish(), true)
  assert.equal(await during.finish(), false)
  for (const authority of [during, await open()]) {
    assert.equal(authority.former(), undefined)
    assert.equal(await authority.refresh(), false)
    assert.match(await meet(authority, { ca: old.ca }), /CERT|SIGNED|ISSUER|VERIFY/)
    assert.equal(await meet(authority, { ca: fresh.ca, pem: fresh.pem }), 'known')
    assert.equal(await meet(authority, { ca: fresh.ca, pem: old.pem }), 'in')
  }
  assert.equal((await stat(file)).mode & 0o777, 0o600)
})

test('what the edge shows leads to both; the key of the former one is gone', async () => {
  const authority = await open()
  const before = await readFile(file, 'utf8')
  await authority.rotate()
  const { certificate } = await authority.issueEdge(['shop.example.org'])
  assert.equal(certificate.match(/BEGIN CERTIFICATE/g)?.length, 4)
  const text = await readFile(file, 'utf8')
  assert.equal(text.match(/PRIVATE KEY-----\n/g)?.length, 2, 'the begin and the end of one')
  assert.ok(!text.includes(before.split('-----END PRIVATE KEY')[0] ?? '-'))
})

test('an exchange whose file is damaged is a loss that is told, not one CA of two', async () => {
  const good = await readFile(file, 'utf8')
  const parts = good.split(/(?<=-----END [A-Z ]+-----\n)/)
  const [key = '', ca = '', cross = '', former = ''] = parts
  for (const bad of [
    [key, ca, cross],
    [key, ca, former, cross],
    [key, ca, ca, former],
    [...parts, former],
  ]) {
    await writeFile(file, bad.join(''))
    await assert.rejects(open(), (thrown) => isCode(thrown, 'DATA_LOST'))
  }
  await writeFile(file, good)
  assert.ok((await open()).former())
})

test('turned at once and again, one exchange comes of it', async () => {
  const authority = await open()
  await authority.finish()
  const said = await Promise.allSettled([
    authority.rotate(),
    authority.refresh(),
    authority.rotate(),
    authority.refresh(),
  ])
  assert.deepEqual(
    said.map(({ status }) => status),
    ['fulfilled', 'fulfilled', 'rejected', 'fulfilled'],
  )
  assert.equal(await (await open()).refresh(), false)
})
