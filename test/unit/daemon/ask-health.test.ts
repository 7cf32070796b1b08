/** What answers a health check is a stranger's program: it may send anything, or nothing, or for ever. */
import assert from 'node:assert/strict'
import { createServer, type RequestListener } from 'node:http'
import { type AddressInfo, createServer as createTcp } from 'node:net'
import { test } from 'node:test'
import type { HealthCheck } from '../../../src/api/app.ts'
import { createAskHealth } from '../../../src/daemon/farm/ask-health.ts'
import type { Ended, Inside } from '../../../src/daemon/host/inside.ts'

const health = (more: Partial<HealthCheck>): Required<HealthCheck> => ({
  ...{ kind: 'http', path: '/up', command: '', intervalSeconds: 1, timeoutSeconds: 1, withinSeconds: 1 },
  ...more,
})
const nobody: Inside = { run: () => Promise.reject(new Error('it does not run')) }

function ask(port: number, check: Partial<HealthCheck>, inside = nobody): Promise<string | undefined> {
  const daemon = { port, health: health(check), user: 'app', folder: '/srv/app' }
  const { signal } = new AbortController()
  return createAskHealth(inside)({ number: 1, address: '127.0.0.1', host: 'a.org', name: 'web', daemon, signal })
}

async function withServer(answer: RequestListener, meet: (port: number) => Promise<void>): Promise<void> {
  const server = createServer(answer).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  try {
    await meet((server.address() as AddressInfo).port)
  } finally {
    server.closeAllConnections()
    server.close()
  }
}

test('HTTP: 200 to 399 is well, nothing is followed, and what never ends is left', async () => {
  const heard: string[] = []
  const answer: RequestListener = ({ url = '', headers: { host = '' } }, response) => {
    heard.push(`${host}${url}`)
    if (url === '/silent') return
    if (url === '/endless') {
      response.writeHead(200)
      const more = setInterval(() => response.write('x'.repeat(65_536)), 1)
      response.on('close', () => clearInterval(more))
      return
    }
    if (url === '/header') {
      response.setHeader('x-large', 'x'.repeat(100_000))
      response.end()
      return
    }
    response.writeHead(Number(url.slice(1)), { location: 'http://127.0.0.1:1/elsewhere' }).end()
  }
  await withServer(answer, async (port) => {
    for (const path of ['/200', '/302', '/endless']) assert.equal(await ask(port, { path }), undefined, path)
    assert.equal(await ask(port, { path: '/500' }), 'GET /500 answered 500')
    assert.equal(await ask(port, { path: '/404' }), 'GET /404 answered 404')
    assert.equal(await ask(port, { path: '/silent' }), 'GET /silent did not answer in 1 s')
    assert.match((await ask(port, { path: '/header' })) ?? '', /^GET \/header: /)
    assert.deepEqual([heard[0], heard.includes('127.0.0.1:1/elsewhere')], ['a.org/200', false])
  })
})

test('TCP is well when it can be connected to; nobody there is told as that', async () => {
  const server = createTcp((socket) => socket.on('error', () => {})).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  assert.equal(await ask(port, { kind: 'tcp' }), undefined)
  await new Promise((resolve) => server.close(resolve))
  assert.equal(await ask(port, { kind: 'tcp' }), `port ${port}: nothing listens there`)
  assert.equal(await ask(port, {}), 'GET /up: nothing listens there')
})

test('a command is run as the daemon’s user, with what it knows; its last line is told', async () => {
  let words: readonly string[] = []
  const inside = (ended: Ended): Inside => ({
    run: async (_number, said) => {
      words = said
      return ended
    },
  })
  const check = { kind: 'exec', command: './check --all' } as const
  assert.equal(await ask(1, check, inside({ code: 0, lines: [] })), undefined)
  assert.deepEqual(words.slice(-3), ['--', './check', '--all'])
  assert.ok(words.includes('User=app') && words.includes('WorkingDirectory=/srv/app'))
  const said = await ask(1, check, inside({ code: 3, lines: ['first', 'no database'] }))
  assert.equal(said, './check --all ended with 3: no database')
  assert.match((await ask(1, check)) ?? '', /it does not run/)
})
