/** The farm's CA and its certificates, by the real openssl, on a clock of ours; and the door that shows them. */
import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { test } from 'node:test'
import { connect } from 'node:tls'
import { isCode } from '../../../src/api/errors.ts'
import { type Env, systemEnv } from '../../../src/daemon/env.ts'
import { createOutside } from '../../../src/daemon/http/outside.ts'
import { openAuthority, plainAddress } from '../../../src/daemon/pki/authority.ts'
import { configText } from '../../../src/daemon/pki/openssl.ts'
import { workFolder } from '../../../src/daemon/pki/work.ts'
import { hostKeyOf } from '../../../src/daemon/records/host-key.ts'
import { keys } from '../../../src/daemon/records/keys.ts'
import { type HostRecord, read } from '../../../src/daemon/records/records.ts'
import { createRunner } from '../../../src/drivers/exec/runner.ts'
import { isDue, lifeMs, renewsAt } from '../../../src/plan/certificates.ts'
import { createMemoryStore } from '../../../src/store/memory/index.ts'

const day = 24 * 3600 * 1000
const run = createRunner()
const farm = createMemoryStore({ now: () => 0, id: 'pki' })

async function folder(): Promise<AsyncDisposable & { path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'croft-pki-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

/** A clock that stands until it is moved; what is to happen later happens when it is told to. */
function clock() {
  const waiting: (() => void)[] = []
  const made = { now: Date.now(), tick: () => waiting.splice(0).map((work) => work()) }
  const env: Env = {
    ...systemEnv,
    now: () => made.now,
    later: (_ms, work) => {
      waiting.push(work)
      return { [Symbol.dispose]: () => undefined }
    },
  }
  return { ...made, env, pass: (ms: number) => (made.now += ms), tick: made.tick }
}

const parts = (path: string, env: Env, names: string[] = ['ash', '198.51.100.1', '2001:db8::1']) => ({
  ...{ env, run, folder: path, farm: 'meadow', host: 'ash' },
  names: () => names,
})

test('two thirds of a life, or another name, and a certificate is due', () => {
  const certificate = { from: 0, until: 90 * day, names: ['ash', '::1'] }
  assert.equal(renewsAt(certificate), 60 * day)
  assert.equal(isDue(certificate, 60 * day - 1, ['ash']), false)
  assert.equal(isDue(certificate, 60 * day, ['ash']), true)
  assert.equal(isDue(certificate, 0, ['ash', '198.51.100.1']), true)
  assert.equal(isDue(certificate, -1, ['ash']), true)
  assert.equal(plainAddress('2001:DB8:0:0:0:0:0:1'), '2001:db8::1')
})

test('made once, 0600, and the same after a restart; a host’s is signed by the CA and bears its names', async () => {
  await using own = await folder()
  const path = join(own.path, 'pki')
  const { env, now } = clock()
  const first = await openAuthority(parts(path, env))
  assert.equal(await first.refresh(), true)
  assert.equal(await first.refresh(), false)
  assert.deepEqual((await readdir(path)).sort(), ['ca.pem', 'host.pem'])
  assert.equal((await stat(path)).mode & 0o777, 0o700)
  for (const name of ['ca.pem', 'host.pem']) assert.equal((await stat(join(path, name))).mode & 0o777, 0o600)
  const { ca, cert } = first.material()
  const [host, root] = [new X509Certificate(cert), new X509Certificate(ca)]
  assert.ok(root.ca && !host.ca && host.verify(root.publicKey) && host.checkIssued(root))
  assert.equal(host.checkIP('2001:db8::1'), '2001:db8::1')
  assert.equal(host.checkHost('ash'), 'ash')
  assert.ok(Math.abs(root.validToDate.getTime() - now - lifeMs.ca) < 2000)
  const again = await openAuthority(parts(path, env))
  assert.equal(again.fingerprint(), first.fingerprint())
  assert.equal(await again.refresh(), false)
})

test('killed between any two steps: what was left is removed, and the next start goes on', async () => {
  await using own = await folder()
  const { env } = clock()
  await mkdir(join(own.path, 'work-abc'))
  await writeFile(join(own.path, 'work-abc/key'), 'half')
  await writeFile(join(own.path, 'ca.pem.new'), 'half')
  await writeFile(join(own.path, 'host.pem'), 'torn')
  const authority = await openAuthority(parts(own.path, env))
  assert.equal(await authority.refresh(), true)
  assert.deepEqual((await readdir(own.path)).sort(), ['ca.pem', 'host.pem'])
})

test('a CA that cannot be read is not made anew; a host’s of another CA is', async () => {
  await using own = await folder()
  const { env } = clock()
  const authority = await openAuthority(parts(own.path, env))
  await authority.refresh()
  const file = join(own.path, 'ca.pem')
  const good = await readFile(file, 'utf8')
  const other = await readFile(join(own.path, 'host.pem'), 'utf8')
  for (const bad of [
    '',
    'torn',
    good.slice(0, 300),
    good.split('-----BEGIN CERT')[0] + other.slice(other.indexOf('-----BEGIN CERT')),
  ]) {
    await writeFile(file, bad)
    await assert.rejects(openAuthority(parts(own.path, env)), (thrown) => isCode(thrown, 'DATA_LOST'))
    assert.equal(await readFile(file, 'utf8'), bad)
  }
  await rm(file)
  const anew = await openAuthority(parts(own.path, env))
  assert.notEqual(anew.fingerprint(), authority.fingerprint())
  assert.equal(await anew.refresh(), true)
})

test('no name becomes a line of openssl’s configuration', () => {
  const validity = { from: 0, until: day }
  for (const subject of ['a\nb', '$ENV::HOME', 'a, b', '-x', '', 'a/CN=b', 'ü'])
    assert.throws(
      () => configText({ kind: 'ca', subject, names: [], ...validity }),
      (thrown) => isCode(thrown, 'BAD_VALUE'),
    )
  for (const name of ['a,DNS:b', '*', 'a\\b', 'a b\nc'])
    assert.throws(() => configText({ kind: 'host', subject: 'ash', names: [name], ...validity }))
})

test('the door shows the renewed certificate without a restart; an open connection goes on', async () => {
  await using own = await folder()
  const time = clock()
  const said: string[] = []
  const log = {
    info: (_: object, text: string) => said.push(text),
    warn() {},
    error: (_: object, text: string) => said.push(text),
  }
  const outside = createOutside(
    { env: time.env, run, log, folder: own.path, store: () => farm },
    (_request, response) => response.end('here'),
  )
  const port = await freePort()
  try {
    await farm.transact([], [{ put: keys.host('ash'), value: { schema: 1, name: 'ash', number: 1, uidBase: 1 } }])
    await outside.begin({ name: 'meadow', listen: `127.0.0.1:${port}` }, { name: 'ash' })
    assert.equal(outside.door().state, 'open', said.join())
    const before = await shown(port)
    const told = await keyInRecord()
    assert.match(String(told), /^[0-9a-f]{64}$/)
    time.pass(61 * day)
    time.tick()
    while (said.filter((text) => text.includes('new certificate')).length < 2)
      await new Promise((resolve) => setTimeout(resolve, 5))
    const after = await shown(port)
    assert.notEqual(after.serial, before.serial)
    assert.equal(await keyInRecord(), told, 'the other hosts know it by its key, which stays')
    assert.equal(hostKeyOf(outside.material().cert), told)
    assert.equal(after.issuer, before.issuer)
    assert.equal(await before.ask(), true)
    before.end()
    after.end()
    await assert.rejects(outside.listen('203.0.113.9:1'), (thrown) => isCode(thrown, 'REFUSED'))
    assert.equal(outside.door().state, 'open')
    await outside.listen(undefined)
    assert.equal(outside.door().state, 'shut')
  } finally {
    await outside.close()
  }
})

test('a door that could not open is failed with its reason, and opens when it can', async () => {
  await using own = await folder()
  const time = clock()
  const said: string[] = []
  const log = { info() {}, warn() {}, error: (_: object, text: string) => said.push(text) }
  const parts = {
    env: time.env,
    run,
    log,
    folder: own.path,
    store: () => farm,
  }
  const outside = createOutside(parts, (_request, response) => response.end('here'))
  const port = await freePort()
  const other = createServer()
  await new Promise<void>((resolve) => other.listen(port, '127.0.0.1', resolve))
  try {
    await outside.begin({ name: 'meadow', listen: `127.0.0.1:${port}` }, { name: 'ash' })
    assert.deepEqual([outside.door().state, said.length], ['failed', 1])
    assert.match(String(outside.door().reason), /another program has it/)
    await new Promise((resolve) => other.close(resolve))
    time.tick()
    while (outside.door().state !== 'open') await new Promise((resolve) => setTimeout(resolve, 5))
    assert.equal(outside.door().reason, undefined)
  } finally {
    await outside.close()
  }
})

const keyInRecord = async () => (await read<HostRecord>(farm, keys.host('ash')))?.value.key

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}

function shown(
  port: number,
): Promise<{ serial: string; issuer: string; ask: () => Promise<boolean>; end: () => void }> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false }, () => {
      const certificate = socket.getPeerCertificate(true)
      const ask = () =>
        new Promise<boolean>((done) => {
          socket.once('data', (bytes: Buffer) => done(bytes.toString().includes('200 OK')))
          socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n')
        })
      resolve({
        serial: certificate.serialNumber,
        issuer: certificate.issuerCertificate.fingerprint256,
        ask,
        end: () => socket.destroy(),
      })
    })
    socket.once('error', reject)
  })
}

test('what is being made beside it is left alone', async () => {
  await using own = await folder()
  const { env } = clock()
  const beside = workFolder(own.path, env)
  await mkdir(beside)
  await openAuthority(parts(own.path, env))
  assert.ok((await readdir(own.path)).includes(basename(beside)))
})
