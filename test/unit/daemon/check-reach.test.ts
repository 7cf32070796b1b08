/** What is seen of an edge, by real TLS and HTTP on loopback: it is always the edge that is asked, whatever a route says. */
import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { doorOf, type EdgePlace, gather } from '../../../src/daemon/checks/gather.ts'
import { type Env, systemEnv } from '../../../src/daemon/env.ts'
import { fingerprintOf } from '../../../src/daemon/pki/authority.ts'
import { issue } from '../../../src/daemon/pki/openssl.ts'
import { createRunner } from '../../../src/drivers/exec/runner.ts'
import { type CheckSubject, type DnsFacts, openToAll } from '../../../src/plan/check/facts.ts'

const day = 24 * 3600 * 1000
const run = createRunner()
const folder = await mkdtemp(join(tmpdir(), 'croft-reach-'))
after(() => rm(folder, { recursive: true }))
const dates = { from: Date.now() - day, until: Date.now() + 90 * day }
const ca = await issue(run, join(folder, 'ca'), { kind: 'ca', subject: 'croft farm meadow', names: [], ...dates })
const leaf = await issue(run, join(folder, 'leaf'), {
  ...{ kind: 'host', subject: 'shop', names: ['shop.example.org', 'croft-check.wild.example.org'], ...dates },
  signer: ca.key + ca.certificate,
})
const farmCa = fingerprintOf(new X509Certificate(ca.certificate))
/** Five times as fast: who is waited for ten seconds is waited for two, which a busy machine still needs. */
const env: Env = { ...systemEnv, later: (ms, work) => systemEnv.later(ms / 5, work) }

interface Edge extends AsyncDisposable {
  readonly place: EdgePlace
  readonly asked: string[]
}

async function edge(answer: RequestListener): Promise<Edge> {
  const asked: string[] = []
  const listener = (secure: boolean) => (request: IncomingMessage, response: ServerResponse) => {
    asked.push(`${secure ? 'https' : 'http'}://${request.headers.host}${request.url}`)
    answer(request, response)
  }
  const plain = createServer(listener(false))
  const secure = createTlsServer({ key: leaf.key, cert: leaf.certificate + ca.certificate }, listener(true))
  const [http, https] = [await listen(plain), await listen(secure)]
  return {
    place: { http: [http], https: [https], addresses: ['203.0.113.10'], resolvers: [], farmCa },
    asked,
    async [Symbol.asyncDispose]() {
      for (const server of [plain, secure]) {
        server.closeAllConnections()
        await new Promise((resolve) => server.close(resolve))
      }
    },
  }
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

const subject: CheckSubject = {
  ...{ name: 'shop.example.org', id: 'r1', kind: 'guest', hosts: ['shop.example.org'], aliases: [], path: '/' },
  ...{ https: 'only', passthrough: false, access: openToAll },
}
const named: string[][] = []
const askNames = async (names: readonly string[]): Promise<DnsFacts[]> => {
  named.push([...names])
  return []
}
const see = (place: EdgePlace, more: Partial<CheckSubject> = {}) =>
  gather({ env, askNames }, { ...subject, ...more }, place)

const site: RequestListener = (request, response) => {
  const secure = 'encrypted' in request.socket
  if (!secure) response.writeHead(301, { location: `https://${request.headers.host}${request.url}` }).end()
  else response.end('hello')
}

test('name, certificate, redirect and page, each as a visitor meets it', async () => {
  await using there = await edge(site)
  const { tls, http, redirect } = await see(there.place, { path: '/api' })
  assert.deepEqual(redirect, { name: 'shop.example.org', status: 301, to: 'https://shop.example.org/api' })
  assert.equal(http && 'status' in http && http.status, 200)
  assert.deepEqual(
    tls.map((each) => 'trust' in each && [each.name, each.trust, each.matches, each.issuer]),
    [['shop.example.org', 'farm', true, 'croft farm meadow']],
  )
  assert.deepEqual(there.asked.sort(), ['http://shop.example.org/api', 'https://shop.example.org/api'])
})

test('a certificate for other names, and one that nobody knows', async () => {
  await using there = await edge(site)
  const shown = async (host: string, place = there.place) => (await see(place, { hosts: [host] })).tls[0]
  assert.equal(((await shown('other.example.org')) as { matches: boolean }).matches, false)
  assert.equal(((await shown('*.wild.example.org')) as { matches: boolean }).matches, true)
  const strange = (await shown('shop.example.org', { ...there.place, farmCa: '0'.repeat(64) })) as {
    trust: string
    reason: string
  }
  assert.deepEqual([strange.trust, strange.reason], ['none', 'SELF_SIGNED_CERT_IN_CHAIN'])
})

test('an alias is followed as long as the edge leads; what is foreign is told and never asked', async () => {
  await using there = await edge((request, response) => {
    const { host } = request.headers
    const to: Record<string, string> = {
      'www.example.org': 'https://shop.example.org/',
      'old.example.org': 'http://www.example.org/x',
      'bad.example.org': 'http://169.254.169.254/latest/meta-data',
      'round.example.org': 'http://round.example.org/',
    }
    const location = to[host ?? '']
    if (location) response.writeHead(301, { location }).end()
    else response.end('hello')
  })
  const aliases = ['www.example.org', 'old.example.org', 'bad.example.org', 'round.example.org']
  const facts = await see(there.place, { aliases, https: 'both' })
  assert.deepEqual(
    facts.aliases.map((each) => 'to' in each && each.to),
    [
      'https://shop.example.org/',
      'https://shop.example.org/',
      'http://169.254.169.254/latest/meta-data',
      'http://round.example.org/',
    ],
  )
  assert.equal(
    there.asked.some((url) => url.includes('169.254')),
    false,
  )
  assert.equal(there.asked.filter((url) => url.includes('round')).length, 4)
  assert.deepEqual(named.at(-1), ['shop.example.org', ...aliases])
})

test('a page without end, one that never begins, one that breaks off, one with a head without end', async () => {
  const page = async (answer: RequestListener) => {
    await using there = await edge(answer)
    return (await see(there.place, { https: 'off' })).http
  }
  let sent = 0
  const endless = await page((_, response) => {
    const more = (): void => {
      sent += 1
      response.write(Buffer.alloc(16 * 1024), () => sent < 10_000 && setImmediate(more))
    }
    more()
  })
  assert.equal(endless && 'status' in endless && endless.status, 200)
  assert.ok(sent < 1000, `${sent} pieces`)
  assert.deepEqual(await page(() => undefined), { failure: 'nothing came in 10 s' })
  const slow = await page((_, response) => response.write('a'))
  assert.equal(slow && 'status' in slow && slow.status, 200)
  const broken = await page((_, response) =>
    response.writeHead(200, { 'content-length': 10 }).write('a', () => response.destroy()),
  )
  assert.match(JSON.stringify(broken), /broke off after 1 bytes/)
  const long = await page((_, response) => response.writeHead(200, { x: 'a'.repeat(40_000) }).end())
  assert.ok(long && 'failure' in long)
})

test('an edge that does not run, or does not speak TLS', async () => {
  await using there = await edge(site)
  const { place } = there
  const closed = { ...place, http: ['127.0.0.1:1'], https: ['127.0.0.1:1'] }
  const facts = await see(closed)
  const failure = 'the edge does not listen'
  assert.deepEqual([facts.http, facts.tls], [{ failure }, [{ name: 'shop.example.org', failure }]])
  const mute = createTcpServer((socket: Socket) => void socket.on('error', () => {}).end('what?'))
  const { tls, http } = await see({ ...place, https: [await listen(mute)] })
  mute.close()
  assert.ok(tls[0] && 'failure' in tls[0])
  assert.ok(http && 'failure' in http)
})

test('of a TCP route its port is touched; of hundreds of names twenty are looked at', async () => {
  await using there = await edge(site)
  const [listener = ''] = there.place.https
  const touched = (await see(there.place, { kind: 'tcp', name: listener })).tcp
  assert.ok(touched && 'connectMs' in touched)
  assert.deepEqual((await see(there.place, { kind: 'tcp', name: '127.0.0.1:1' })).tcp, {
    failure: 'the edge does not listen',
  })
  const hosts = Array.from({ length: 50 }, (_, index) => `n${index}.wild.example.org`)
  const many = await see(there.place, { hosts, aliases: ['www.example.org'] })
  assert.deepEqual([many.tls.length, many.unseen, many.aliases.length], [20, 31, 0])
})

test('where a listener is reached from its own host', () => {
  assert.deepEqual(doorOf(':443'), { address: '127.0.0.1', port: 443 })
  assert.deepEqual(doorOf('[::]:443'), { address: '::1', port: 443 })
  assert.deepEqual(doorOf('203.0.113.5:8443'), { address: '203.0.113.5', port: 8443 })
  for (const text of [undefined, '', '443', 'evil.example:443', 'unix:/x']) assert.equal(doorOf(text), undefined)
})

test('the edge is reached at all hosts that serve, and not inside the farm', async () => {
  await using there = await edge(site)
  const { addresses: _, ...unnamed } = there.place
  const place = { ...unnamed, hosts: ['198.18.7.11', '198.18.7.12'], inner: ['10.15.0.0/24'] }
  const ownAddresses = () => ['198.18.7.11', '10.15.0.1']
  const facts = await gather({ env, askNames, ownAddresses }, subject, place)
  assert.deepEqual(facts.edge.addresses, ['198.18.7.11', '198.18.7.12'])
})
