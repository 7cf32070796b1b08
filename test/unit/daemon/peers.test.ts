/** Hosts of a farm speak with each other: real certificates, real TLS; and what comes from anybody else. */
import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { request } from 'node:https'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { json, text } from 'node:stream/consumers'
import { after, before, test } from 'node:test'
import { isCode, toCroftError } from '../../../src/api/errors.ts'
import { systemEnv as env } from '../../../src/daemon/env.ts'
import type { Caller } from '../../../src/daemon/http/access.ts'
import { createIdentify } from '../../../src/daemon/http/identify.ts'
import { openTlsDoor, type TlsDoor } from '../../../src/daemon/http/tls-door.ts'
import { Visitors } from '../../../src/daemon/http/visitors.ts'
import { createPeers } from '../../../src/daemon/peers/client.ts'
import type { PeerAnswer } from '../../../src/daemon/peers/peers.ts'
import { type Authority, fingerprintOf, type Material, openAuthority } from '../../../src/daemon/pki/authority.ts'
import { issue } from '../../../src/daemon/pki/openssl.ts'
import { readPair } from '../../../src/daemon/pki/pair.ts'
import { hostKeyOf, tellHostKey } from '../../../src/daemon/records/host-key.ts'
import { keys } from '../../../src/daemon/records/keys.ts'
import { makeSecret } from '../../../src/daemon/records/tokens.ts'
import { createRunner } from '../../../src/drivers/exec/runner.ts'
import { validityFrom } from '../../../src/plan/certificates.ts'
import { createMemoryStore } from '../../../src/store/memory/index.ts'

const run = createRunner()
const operator: Caller = { name: 'root', role: 'operator' }
const farm = createMemoryStore({ now: () => env.monotonicMs(), id: 'peers' })
let folder: string
let ash: Authority
let birch: Authority
let door: TlsDoor
let port: number
const connections = new Set<Socket>()

async function authorityOf(host: string): Promise<Authority> {
  const own = join(folder, host)
  await mkdir(own, { recursive: true })
  if (host !== 'ash') await copyFile(join(folder, 'ash/ca.pem'), join(own, 'ca.pem'))
  const authority = await openAuthority({ env, run, folder: own, farm: 'meadow', host, names: () => ['127.0.0.1'] })
  await authority.refresh()
  return authority
}

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'croft-peers-'))
  ash = await authorityOf('ash')
  birch = await authorityOf('birch')
  for (const [number, name] of ['ash', 'birch', 'cedar'].entries())
    await farm.transact([], [{ put: keys.host(name), value: { schema: 1, name, number: number + 1, uidBase: 1 } }])
  const identify = createIdentify({ now: env.now, store: () => farm, visitors: new Visitors(env) })
  const answer = async (asked: IncomingMessage, response: ServerResponse) => {
    connections.add(asked.socket)
    try {
      const caller = await identify(asked)
      if (asked.url === '/slow') return
      const said = { caller, path: asked.url, body: await text(asked), type: asked.headers['content-type'] ?? null }
      if (asked.headers.upgrade === undefined)
        return void response.setHeader('x-here', 'birch').end(JSON.stringify(said))
      const { socket } = asked
      response.detachSocket(socket)
      socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: croft-exec\r\n\r\nhello ')
      socket.pipe(socket)
    } catch (thrown) {
      const { code } = toCroftError(thrown)
      response.writeHead(code === 'UNAUTHENTICATED' ? 401 : 400).end(JSON.stringify({ code }))
    }
  }
  port = await freePort()
  door = await openTlsDoor(`127.0.0.1:${port}`, birch.material(), (asked, response) => void answer(asked, response))
})
after(async () => {
  await door?.close()
  await farm.close()
  await rm(folder, { recursive: true, force: true })
})

/** What the records of hosts say. */
const told = new Map<string, string>()
const peersOf = (material: () => Material, addressOf = (): string | undefined => `127.0.0.1:${port}`) =>
  createPeers({ own: 'ash', material, addressOf, keyOf: (host) => told.get(host) })
const callerIn = async (answer: PeerAnswer): Promise<unknown> =>
  ((await json(answer.body)) as { caller: Caller }).caller

test('a host asks another one, for somebody or for itself; the connection is kept', async () => {
  const peers = peersOf(() => ash.material())
  connections.clear()
  const asked = { method: 'POST', path: '/v1/x?y=1', caller: { ...operator, token: 'laptop' } }
  const answer = await peers.request('birch', { ...asked, body: '{"a":1}' })
  assert.deepEqual([answer.status, answer.headers['x-here']], [200, 'birch'])
  assert.deepEqual(await json(answer.body), {
    caller: { name: 'root', role: 'operator', via: 'ash', token: 'laptop' },
    ...{ path: '/v1/x?y=1', body: '{"a":1}', type: 'application/json' },
  })
  const own = await peers.request('birch', { method: 'GET', path: '/' })
  assert.deepEqual(await callerIn(own), { name: 'host:ash', role: 'host' })
  const long = await peers.request('birch', {
    ...{ method: 'PUT', path: '/', body: Readable.from(['abc', 'def']) },
    headers: { 'content-type': 'application/octet-stream' },
  })
  assert.equal(((await json(long.body)) as { body: string }).body, 'abcdef')
  assert.equal(connections.size, 1)
  peers.close()
})

test('a connection is taken over, and goes both ways', async () => {
  const peers = peersOf(() => ash.material())
  const taken = await peers.upgrade('birch', { method: 'POST', path: '/', caller: operator, protocol: 'croft-exec' })
  assert.ok('socket' in taken)
  taken.socket.write('there')
  let heard = ''
  for await (const chunk of taken.socket) {
    heard += chunk
    if (heard === 'hello there') break
  }
  peers.close()
})

test('who does not answer is told within its time, and asked for nothing', async () => {
  const dumb: Server = createServer(() => undefined)
  await new Promise<void>((resolve) => dumb.listen(0, '127.0.0.1', resolve))
  const at = `127.0.0.1:${(dumb.address() as { port: number }).port}`
  const away = (address: string | undefined) =>
    peersOf(
      () => ash.material(),
      () => address,
    )
  const from = performance.now()
  for (const [address, why] of [
    [at, /host birch \(127\.0\.0\.1:\d+\) does not answer: no answer in 2 s/],
    ['127.0.0.1:1', /does not answer: no daemon listens there/],
    [undefined, /host birch has told no address/],
  ] as const)
    await assert.rejects(
      away(address).request('birch', { method: 'POST', path: '/', body: '{}' }),
      (thrown: Error) => isCode(thrown, 'HOST_UNREACHABLE') && why.test(thrown.message),
    )
  assert.ok(performance.now() - from > 1900)
  const peers = peersOf(() => ash.material())
  const late = peers.request('birch', { method: 'GET', path: '/slow', deadlineMs: 100 })
  await assert.rejects(late, (thrown) => isCode(thrown, 'HOST_UNREACHABLE'))
  const signal = AbortSignal.abort(new Error('nobody waits'))
  await assert.rejects(peers.request('birch', { method: 'GET', path: '/', signal }), /nobody waits/)
  peers.close()
  dumb.close()
})

test('a kept connection that has ended is made anew', async () => {
  const peers = peersOf(() => ash.material())
  const ask = async () => callerIn(await peers.request('birch', { method: 'POST', path: '/', body: '{}' }))
  await ask()
  for (const socket of connections) socket.destroy()
  assert.deepEqual(await ask(), { name: 'host:ash', role: 'host' })
  peers.close()
})

test('only the host that is meant is believed: no other one, no edge, no other CA', async () => {
  const refused = async (peers: ReturnType<typeof createPeers>, host: string, why: RegExp) => {
    await assert.rejects(peers.request(host, { method: 'GET', path: '/' }), (thrown: Error) => {
      return isCode(thrown, 'HOST_UNREACHABLE') && why.test(thrown.message)
    })
    peers.close()
  }
  await refused(
    peersOf(() => ash.material()),
    'cedar',
    /it shows the certificate of birch/,
  )
  await mkdir(join(folder, 'other'))
  const stranger = await openAuthority({
    ...{ env, run, folder: join(folder, 'other'), farm: 'meadow', host: 'birch', names: () => [] },
  })
  await stranger.refresh()
  await refused(
    peersOf(() => stranger.material()),
    'birch',
    /certificate/,
  )
  const edge = await ash.issueEdge(['birch', '127.0.0.1'])
  const free = await freePort()
  const shown = { key: edge.key, cert: edge.certificate, ca: ash.material().ca }
  const false_ = await openTlsDoor(`127.0.0.1:${free}`, shown, (_asked, response) => response.end('{}'))
  await refused(
    peersOf(
      () => ash.material(),
      () => `127.0.0.1:${free}`,
    ),
    'birch',
    /certificate of croft edge/,
  )
  await false_.close()
})

test('who has the CA’s key and signs himself a certificate of a host that lives is not that host, on neither side', async () => {
  const own = join(folder, 'forged')
  await mkdir(own)
  await copyFile(join(folder, 'ash/ca.pem'), join(own, 'ca.pem'))
  const forged = async (host: string) => {
    const made = await openAuthority({ env, run, folder: own, farm: 'meadow', host, names: () => ['127.0.0.1'] })
    await made.refresh()
    return made.material()
  }
  const asAsh = await forged('ash')
  const ask = async (material: Material) => {
    const peers = peersOf(() => material)
    const { status, body } = await peers.request('birch', { method: 'GET', path: '/' })
    body.destroy()
    peers.close()
    return status
  }
  assert.equal(await ask(asAsh), 200, 'by its name, until the host has told its key')
  await tellHostKey(farm, 'ash', hostKeyOf(ash.material().cert))
  assert.deepEqual([await ask(ash.material()), await ask(asAsh)], [200, 401])
  told.set('birch', hostKeyOf(birch.material().cert))
  assert.equal(await ask(ash.material()), 200)
  const free = await freePort()
  const false_ = await openTlsDoor(`127.0.0.1:${free}`, await forged('birch'), (_asked, response) => response.end('{}'))
  const peers = peersOf(
    () => ash.material(),
    () => `127.0.0.1:${free}`,
  )
  await assert.rejects(peers.request('birch', { method: 'GET', path: '/' }), /it shows another key/)
  peers.close()
  await false_.close()
})

/** What a client that is no host sends. */
function send(headers: Record<string, string>, shown: Partial<Material>): Promise<{ status: number; said: unknown }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; said: unknown }>()
  request(
    { host: '127.0.0.1', port, path: '/', headers, ...shown, rejectUnauthorized: false, agent: false },
    async (answer) => resolve({ status: answer.statusCode ?? 0, said: await json(answer) }),
  )
    .on('error', reject)
    .end()
  return promise
}

const claim = { 'x-croft-caller': JSON.stringify(operator) }

test('the header of a caller counts from hosts alone', async () => {
  const made = makeSecret(env, 'monitor')
  const token = { schema: 1, name: 'monitor', role: 'reader', created: '', by: 'root', expires: null, hash: made.hash }
  const client = await ash.issueClient('laptop', env.now() + 3_600_000)
  const hash = fingerprintOf(new X509Certificate(client.certificate))
  await farm.transact(
    [],
    [
      { put: keys.token('monitor'), value: token },
      { put: keys.token('laptop'), value: { ...token, name: 'laptop', kind: 'certificate', hash } },
    ],
  )
  const who = async (headers: Record<string, string>, shown: Partial<Material> = {}) => {
    const { said } = await send(headers, shown)
    return (said as { caller?: Caller; code?: string }).caller ?? (said as { code: string }).code
  }
  const bearer = { authorization: `Bearer ${made.secret}` }
  assert.equal(await who(claim), 'UNAUTHENTICATED')
  const asToken = { name: 'token:monitor', role: 'reader', token: 'monitor' }
  assert.deepEqual(await who({ ...claim, ...bearer }), asToken)
  const asHost = ash.material()
  assert.deepEqual(await who({ ...claim, ...bearer }, asHost), asToken)
  const asClient = { key: client.key, cert: client.certificate }
  assert.deepEqual(await who(claim, asClient), { name: 'certificate:laptop', role: 'reader', token: 'laptop' })
  const edge = await ash.issueEdge(['ash'])
  assert.equal(await who(claim, { key: edge.key, cert: edge.certificate }), 'UNAUTHENTICATED')
  // Signed by the farm, without the word that makes it a host's; or with it, by nobody.
  for (const signer of [await caOf('ash'), undefined]) {
    const kind = signer === undefined ? 'host' : 'server'
    const wanted = { kind, subject: 'ash', names: ['ash'], ...validityFrom(env.now(), 3_600_000) } as const
    const { key, certificate: cert } = await issue(run, join(folder, `false-${kind}`), {
      ...{ ...wanted, ...(signer ? { signer } : {}) },
    })
    assert.equal(await who(claim, { key, cert }), 'UNAUTHENTICATED')
  }
  assert.deepEqual(await who(claim, asHost), { name: 'root', role: 'operator', via: 'ash' })
})

test('a host cannot bring what no door gives: other roles, odd names, more than there is', async () => {
  for (const words of [
    '',
    'null',
    '[]',
    '{',
    JSON.stringify({ name: 'root', role: 'host' }),
    JSON.stringify({ name: 'root', role: 'newcomer' }),
    JSON.stringify({ name: 'a\u001b[2J', role: 'reader' }).replace('\\u001b', '\\u001B'),
    JSON.stringify({ name: 'root', role: 'operator', via: 'cedar' }),
    JSON.stringify({ name: 'x'.repeat(300), role: 'reader' }),
    JSON.stringify({ name: ['root'], role: ['operator'] }),
  ]) {
    const { status, said } = await send({ 'x-croft-caller': words }, ash.material())
    assert.deepEqual([status, said], [400, { code: 'BAD_REQUEST' }], words)
  }
})

test('a host that is dead, or was never of this farm, is nobody', async () => {
  const oak = await authorityOf('oak')
  assert.deepEqual((await send(claim, oak.material())).status, 401)
  const cedar = await authorityOf('cedar')
  assert.deepEqual((await send(claim, cedar.material())).status, 200)
  const { entry } = await farm.get(keys.host('cedar'))
  const dead = { ...(entry?.value as object), dead: '2026-01-01T00:00:00Z' }
  await farm.transact([], [{ put: keys.host('cedar'), value: dead }])
  assert.deepEqual((await send(claim, cedar.material())).status, 401)
  assert.deepEqual((await send({}, cedar.material())).status, 401)
})

test('a host’s certificate from before is made anew; one that says the host stays', async () => {
  const own = join(folder, 'old')
  await mkdir(own)
  await copyFile(join(folder, 'ash/ca.pem'), join(own, 'ca.pem'))
  const wanted = {
    kind: 'server',
    subject: 'ash',
    names: ['ash'],
    ...validityFrom(env.now(), 90 * 86_400_000),
  } as const
  const made = await issue(run, join(folder, 'work'), { ...wanted, signer: await caOf('ash') })
  await writeFile(join(own, 'host.pem'), `${made.key}${made.certificate}`)
  const parts = { env, run, folder: own, farm: 'meadow', names: () => ['ash'] }
  const authority = await openAuthority({ ...parts, host: 'ash' })
  assert.equal(await authority.refresh(), true)
  const { subject, keyUsage } = readPair(`${authority.material().key}${authority.material().cert}`).x509
  assert.equal(subject, 'O=croft host\nCN=ash')
  assert.deepEqual(keyUsage, ['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2'])
  assert.equal(await (await openAuthority({ ...parts, host: 'ash' })).refresh(), false)
  assert.equal(await (await openAuthority({ ...parts, host: 'birch' })).refresh(), true)
})

const caOf = (host: string): Promise<string> => readFile(join(folder, host, 'ca.pem'), 'utf8')

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port: free } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return free
}
