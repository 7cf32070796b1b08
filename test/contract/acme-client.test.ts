/** acme-client against pebble, in a network namespace of its own: this file runs itself again there. Needs root. */
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { after, test } from 'node:test'
import { createAcmeClient } from '../../src/drivers/acme/client/index.ts'
import type { Proof } from '../../src/drivers/acme/driver.ts'
import type { Command } from '../../src/drivers/exec/command.ts'
import { createRunner } from '../../src/drivers/exec/runner.ts'
import { createWorld } from '../acme/world.ts'
import { type AcmeUnderTest, acmeContract, talkWith } from './acme.ts'
import { isInside, runInside } from './namespace.ts'

const run = createRunner()
const ip = (...args: string[]): Command => ({ file: 'ip', args, timeoutMs: 10_000 })
const address = '203.0.113.9'

if (!isInside) runInside('acme-client', import.meta.url, 'a')
else {
  await run.run(ip('link', 'set', 'lo', 'up'))
  await run.run(ip('address', 'add', `${address}/32`, 'dev', 'lo'))
  const world = await createWorld({ address })
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
  })
  const acme = createAcmeClient({ environment: { SSL_CERT_FILE: world.roots } })
  const show = async ({ name, kind, token, answer }: Proof) => {
    if (kind === 'http-01') tokens.set(token, answer)
    else await world.txt(`_acme-challenge.${name}`, answer)
  }

  const under: AcmeUnderTest = {
    ...{ acme, directory: world.directory, show, end: () => world.end() },
    async begin(names) {
      await world.begin()
      for (const name of names) await world.name(name, { a: [address] })
    },
    freeze: () => world.freeze(),
    thaw: () => world.thaw(),
  }
  await acmeContract('acme-client', under)
  const { issue } = await talkWith(under)

  test('bad nonces, and authorizations that are there already, are no failure', async () => {
    await world.begin({ env: { PEBBLE_WFE_NONCEREJECT: '50', PEBBLE_AUTHZREUSE: '100' } })
    for (let count = 0; count < 2; count++) assert.equal((await issue(['a.example'])).end, 'issued')
  })

  test('why a server is away, or that it is none, is told', async () => {
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
}
