/** A client certificate ends with its CA, on connections that are open too: real TLS, a real exchange of the CA. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { Agent, type RequestOptions, request } from 'node:https'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { systemEnv as env } from '../../../src/daemon/env.ts'
import { createOutside } from '../../../src/daemon/http/outside.ts'
import { createPeers } from '../../../src/daemon/peers/client.ts'
import { keys } from '../../../src/daemon/records/keys.ts'
import { makeSecret, viewToken } from '../../../src/daemon/records/tokens.ts'
import { createRunner } from '../../../src/drivers/exec/runner.ts'
import { createMemoryStore } from '../../../src/store/memory/index.ts'

const log = { info() {}, warn() {}, error() {} }

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** A host with its door, which answers who came and goes on. */
async function world() {
  const folder = await mkdtemp(join(tmpdir(), 'croft-former-'))
  const store = createMemoryStore({ now: () => env.monotonicMs(), id: 'former' })
  const port = await freePort()
  const outside = createOutside({ env, run: createRunner(), log, folder, store: () => store }, (asked, response) => {
    outside.identify(asked).then(
      ({ name }) => (asked.url === '/stream' ? response.write(name) : response.end(name)),
      () => response.writeHead(401).end(),
    )
  })
  await store.transact([], [{ put: keys.host('ash'), value: { schema: 1, name: 'ash', number: 1, uidBase: 1 } }])
  await outside.begin({ name: 'meadow', listen: `127.0.0.1:${port}` }, { name: 'ash' })
  assert.equal(outside.door().state, 'open')
  return {
    ...{ outside, store, port },
    async keep(name: string, proof: { kind?: 'certificate'; hash: string; ca?: string }) {
      const value = { schema: 1, name, role: 'operator', created: '', by: 'root', expires: null, ...proof } as const
      await store.transact([], [{ put: keys.token(name), value }])
      return value
    },
    async [Symbol.asyncDispose]() {
      await outside.close()
      await store.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** An answer that goes on, on a connection of its own. */
async function follow(port: number, shown: RequestOptions) {
  const sent = request({ ...shown, host: '127.0.0.1', port, path: '/stream', rejectUnauthorized: false, agent: false })
  sent.on('error', () => undefined).end()
  const [socket] = (await once(sent, 'socket')) as [Socket]
  const [answer] = await once(sent, 'response')
  answer.on('error', () => undefined)
  const closed = new Promise<void>((resolve) => answer.once('close', resolve))
  const [said] = await once(answer, 'data')
  return { name: String(said), closed, socket, end: () => sent.destroy() }
}

test('when the former CA ends its clients end with it, and nobody else does', async () => {
  await using farm = await world()
  const { outside, port } = farm
  const issued = async (name: string) => {
    const { pem, fingerprint: hash, ca } = await outside.issueClient(name, env.now() + 3_600_000)
    return { record: await farm.keep(name, { kind: 'certificate', hash, ca }), shown: { key: pem, cert: pem } }
  }
  const former = await issued('before')
  const { secret, hash } = makeSecret(env, 'monitor')
  await farm.keep('monitor', { hash })
  const agent = new Agent({ ...former.shown, keepAlive: true, maxSockets: 1, rejectUnauthorized: false })
  const peersBefore = outside.material()
  const old = await follow(port, former.shown)
  const oldHost = await follow(port, { key: peersBefore.key, cert: peersBefore.cert })
  const kept = request({ agent, host: '127.0.0.1', port, path: '/' }).end()
  const [keptAnswer] = await once(kept, 'response')
  keptAnswer.resume()
  await once(keptAnswer, 'end')
  assert.equal(await outside.rotate('begin'), true)
  const next = await issued('after')
  const others = await Promise.all([
    follow(port, next.shown),
    follow(port, { key: outside.material().key, cert: outside.material().cert }),
    follow(port, { headers: { authorization: `Bearer ${secret}` } }),
  ])
  assert.deepEqual(
    [old, oldHost, ...others].map(({ name }) => name),
    ['certificate:before', 'host:ash', 'certificate:after', 'host:ash', 'token:monitor'],
  )
  const stateOf = ({ record }: typeof former) => viewToken(record, env.now(), outside.door()).state
  assert.deepEqual([former, next].map(stateOf), ['valid', 'valid'])
  const again = await follow(port, former.shown)
  assert.equal(again.name, 'certificate:before', 'two are trusted')
  assert.ok(!old.socket.destroyed && !oldHost.socket.destroyed)

  assert.equal(await outside.rotate('finish'), true)
  await Promise.all([old.closed, oldHost.closed, again.closed])
  assert.ok(others.every(({ socket }) => !socket.destroyed))
  assert.deepEqual([former, next].map(stateOf), ['ended', 'valid'])
  const later = request({ agent, host: '127.0.0.1', port, path: '/' }).end()
  const outcome = await Promise.race([
    once(later, 'response').then(([answer]) => answer.resume().statusCode),
    once(later, 'error').then(() => 'hung up'),
  ])
  assert.notEqual(outcome, 200)
  for (const each of others) each.end()
  agent.destroy()
  const peers = createPeers({
    ...{ own: 'ash', material: () => outside.material(), keyOf: () => undefined },
    addressOf: () => `127.0.0.1:${port}`,
  })
  const answer = await peers.request('ash', { method: 'GET', path: '/' })
  assert.equal(answer.status, 200, 'hosts come anew')
  answer.body.resume()
  peers.close()
})
