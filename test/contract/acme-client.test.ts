/** acme-client against pebble, in a network namespace of its own: this file runs itself again there. Needs root. */
import assert from 'node:assert/strict'
import { generateKeyPairSync, X509Certificate } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { requestOf } from '../../src/daemon/pki/openssl.ts'
import { createAcmeClient } from '../../src/drivers/acme/client/index.ts'
import type { AcmeSteps, AcmeWish, NameFailure, Proof } from '../../src/drivers/acme/driver.ts'
import type { Command } from '../../src/drivers/exec/command.ts'
import { createRunner } from '../../src/drivers/exec/runner.ts'
import { createWorld } from '../acme/world.ts'
import { isInside, runInside } from './namespace.ts'

const run = createRunner()
const ip = (...args: string[]): Command => ({ file: 'ip', args, timeoutMs: 10_000 })
const address = '203.0.113.9'

if (!isInside) runInside('acme-client', import.meta.url, 'a')
else {
  await run.run(ip('link', 'set', 'lo', 'up'))
  await run.run(ip('address', 'add', `${address}/32`, 'dev', 'lo'))
  const world = await createWorld({ address })
  const folder = await mkdtemp('/var/tmp/cfa')
  const tokens = new Map<string, string>()
  const http = createServer((request, response) => {
    const answer = tokens.get(String(request.url).replace('/.well-known/acme-challenge/', ''))
    const type = answer?.startsWith('{') ? 'application/json' : 'text/plain'
    response.writeHead(answer === undefined ? 404 : 200, { 'content-type': type }).end(answer)
  }).listen(80, address)
  after(async () => {
    http.closeAllConnections()
    http.close()
    await world[Symbol.asyncDispose]()
    await rm(folder, { recursive: true, force: true })
  })
  const acme = createAcmeClient({ environment: { SSL_CERT_FILE: world.roots } })
  const keyOf = () =>
    generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
      .privateKey.export({ type: 'pkcs8', format: 'pem' })
      .toString()
  const account: { key: string; url?: string } = { key: keyOf() }
  let said: string[] = []
  const steps: AcmeSteps = {
    async account({ url }) {
      said.push('account')
      account.url = url
    },
    async begun(order) {
      said.push(`begun ${order}`)
    },
    async prove(proofs) {
      said.push(`prove ${proofs.map(({ name, kind }) => `${kind} ${name}`).sort()}`)
      for (const proof of proofs) await show(proof)
      return []
    },
  }
  const show = async ({ name, kind, token, answer }: Proof) => {
    if (kind === 'http-01') tokens.set(token, answer)
    else await world.txt(`_acme-challenge.${name}`, answer)
  }

  async function issue(names: string[], more: Partial<AcmeWish> = {}, how: Partial<AcmeSteps> = {}) {
    said = []
    const key = keyOf()
    const request = await requestOf(run, join(folder, 'work'), { key, names })
    const wish: AcmeWish = {
      ...{ directory: world.directory, accountKey: account.key, names, request },
      ...(account.url === undefined ? {} : { account: account.url }),
      ...more,
    }
    return acme.issue(wish, { ...steps, ...how }, AbortSignal.timeout(60_000))
  }
  const orderOf = () => said.find((each) => each.startsWith('begun '))?.slice(6) ?? ''

  test('names that answer get a certificate; the account is made once', async () => {
    await world.begin()
    for (const name of ['a.example', 'www.a.example']) await world.name(name, { a: [address] })
    const first = await issue(['a.example', 'www.a.example'])
    assert.equal(first.end, 'issued', JSON.stringify(first))
    const x509 = new X509Certificate(first.end === 'issued' ? first.chain : '')
    assert.ok(x509.checkHost('a.example') && x509.checkHost('www.a.example'))
    assert.deepEqual([said[0], said[2]], ['account', 'prove http-01 a.example,http-01 www.a.example'])
    const second = await issue(['a.example'])
    assert.equal(second.end, 'issued')
    assert.ok(!said.includes('account'))
  })

  test('a wildcard is proven by DNS', async () => {
    const outcome = await issue(['*.wild.example'])
    assert.equal(outcome.end, 'issued', JSON.stringify(outcome))
    assert.deepEqual(said.at(-1), 'prove dns-01 wild.example')
  })

  test('a name that does not answer is named with the server’s reason, and so is one that the daemon could not show', async () => {
    await world.name('b.example', { a: [address] })
    const refused = await issue(
      ['a.example', 'b.example'],
      {},
      {
        prove: async (proofs) => {
          for (const proof of proofs) if (proof.name !== 'b.example') await show(proof)
          return []
        },
      },
    )
    assert.ok(refused.end === 'refused' && !refused.later)
    assert.deepEqual(
      refused.names.map(({ name }) => name),
      ['b.example'],
    )
    assert.match(refused.reason, /404|unauthorized|Invalid/i)
    const failures: NameFailure[] = [{ name: 'b.example', reason: 'not here' }]
    const unseen = await issue(['b.example'], {}, { prove: async () => failures })
    assert.deepEqual(unseen, { end: 'refused', reason: 'not here', later: false, names: failures })
  })

  test('an order that was left anywhere is gone on with', async () => {
    const key = keyOf()
    const request = await requestOf(run, join(folder, 'work'), { key, names: ['a.example'] })
    const power = new Error('the power went')
    for (const place of ['begun', 'prove'] as const) {
      const cut = {
        [place]: async (order: never) => {
          await steps[place](order)
          throw power
        },
      }
      await assert.rejects(issue(['a.example'], { request }, cut), /power/)
      const order = orderOf()
      const outcome = await issue(['a.example'], { request, order })
      assert.equal(outcome.end, 'issued', JSON.stringify(outcome))
      assert.equal(orderOf(), '', 'no other order was made')
      const again = await issue(['a.example'], { request, order })
      assert.deepEqual(again, outcome, 'what was issued and not kept can be had again')
    }
  })

  test('bad nonces, and authorizations that are there already, are no failure', async () => {
    await world.begin({ env: { PEBBLE_WFE_NONCEREJECT: '50', PEBBLE_AUTHZREUSE: '100' } })
    for (let count = 0; count < 2; count++) assert.equal((await issue(['a.example'])).end, 'issued')
  })

  test('a server that forgot the account, and the order, is met anew', async () => {
    await world.begin()
    const order = orderOf()
    assert.equal((await issue(['a.example'], { order })).end, 'issued')
    assert.equal(said[0], 'account')
  })

  test('a server that is away, or no ACME server, is told as that', async () => {
    await world.end()
    const away = await issue(['a.example'])
    assert.ok(away.end === 'refused' && away.later)
    assert.match(away.reason, /does not answer: .*ECONNREFUSED/)
    const other = await issue(['a.example'], { directory: `http://${address}/` })
    assert.ok(other.end === 'refused', JSON.stringify(other))
    assert.match(other.reason, /404/)
  })

  test('neither the directory nor what it names leads to what is forbidden', async () => {
    await world.begin()
    const leads = /leads to .*this host/
    const forbids = [`${address}/32`, '127.0.0.0/8', '::/96']
    const urls = [world.directory, 'http://2130706433:80/', 'http://[::1]/', 'http://localhost/', 'http://0x7f.1/']
    for (const directory of urls) {
      const refused = await issue(['a.example'], { directory, forbids })
      assert.ok(refused.end === 'refused' && refused.later, directory)
      assert.match(refused.reason, leads, directory)
    }
    assert.equal((await issue(['a.example'], { forbids: ['127.0.0.0/8'] })).end, 'issued')
    const named = { newNonce: 'http://127.0.0.1/nonce', newAccount: 'http://127.0.0.1/', newOrder: 'http://127.0.0.1/' }
    tokens.set('directory', JSON.stringify(named))
    const directory = `http://${address}/.well-known/acme-challenge/directory`
    const refused = await issue(['a.example'], { directory, forbids: ['127.0.0.0/8'] })
    assert.ok(refused.end === 'refused', JSON.stringify(refused))
    assert.match(refused.reason, leads)
  })

  test('it ends with the signal', async () => {
    await world.begin()
    world.freeze()
    const abort = AbortSignal.timeout(1500)
    const wish = { directory: world.directory, accountKey: account.key, names: ['a.example'], request: '' }
    await assert.rejects(acme.issue(wish, steps, abort), { name: 'TimeoutError' })
    world.thaw()
  })
}
