/** Visitors come without a break while everything around them changes: none of their requests may fail. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { LoadOrder, LoadReport } from '../load/load.ts'
import { at, createTestFarm } from './farm.ts'
import { addRoutes, serveFolder } from './web.ts'

const farm = await createTestFarm()
after(() => farm.dispose())
const program = new URL('../load/load.ts', import.meta.url).pathname

interface Visitors {
  /** They go home, and what they met is told. */
  leave(): Promise<LoadReport>
}

async function visitors(more: Partial<LoadOrder> = {}): Promise<Visitors> {
  const order: LoadOrder = {
    address: at.host.v4,
    port: 443,
    hosts: ['shop.example.org'],
    connections: 4,
    pauseMs: 5,
    ...more,
  }
  const child = farm.background('outside', { file: process.execPath, args: [program, JSON.stringify(order)] }, 'pipe')
  let said = ''
  child.stdout?.on('data', (chunk: Buffer) => {
    said += chunk.toString()
  })
  // Some are there before anything happens.
  await sleep(500)
  return {
    async leave() {
      await sleep(300)
      const gone = once(child, 'exit')
      child.stdin?.end()
      await gone
      return JSON.parse(said) as LoadReport
    },
  }
}

const answers = async (url = 'https://shop.example.org/') => {
  const { hostname } = new URL(url)
  const to = [80, 443].flatMap((port) => ['--resolve', `${hostname}:${port}:${at.host.v4}`])
  return (await farm.outside({ file: 'curl', args: ['-sko', '/dev/null', '-w', '%{http_code}', ...to, url] })).stdout
}

test('routes come and go, a guest is renamed and started again, the daemon dies, a thousand routes: no request fails', async (context) => {
  await farm.croftOk('create', 'web', 'debian:12', '--wait=stable')
  await serveFolder(farm, 'web', { 'index.html': 'hello' })
  await farm.croftOk('route', 'add', 'shop.example.org', 'web:8080')
  await farm.waitFor(async () => (await answers()) === '200')
  const there = await visitors()

  await farm.croftOk('route', 'add', 'one.example.org', 'web:8080', 'aliases=www.example.org')
  await farm.croftOk('rename', 'web', 'shop')
  // Its certificate is another one with each name.
  for (const name of ['also', 'too'])
    await farm.croftOk('route', 'set', 'shop.example.org', `names=${name}.example.org`)
  await farm.croftOk('restart', 'shop', '--wait=stable')
  await farm.waitFor(async () => (await answers()) === '200')
  await farm.croftOk('route', 'rm', 'one.example.org')
  await addRoutes(farm, 'shop.example.org', 1000)
  await farm.waitFor(async () => (await answers('http://n999.example.org/')) === '200', 90_000)
  await farm.croftOk('route', 'add', 'last.example.org', 'shop:8080', 'https=off')
  await farm.restartDaemon({ kill: 'SIGKILL' })

  const { statuses, failures, requests, slowestMs, gapMs } = await there.leave()
  context.diagnostic(`${requests} requests, the slowest ${slowestMs} ms, the longest gap ${gapMs} ms`)
  assert.deepEqual([Object.keys(statuses), failures], [['200'], {}])
  assert.ok(requests > 100)
})

test('an answer that has begun ends before its guest is stopped for a restart, and the next one waits', async () => {
  const script = "#!/bin/sh\nprintf 'Content-Type: text/plain\\r\\n\\r\\nbegun '\nsleep 1\necho ended\n"
  const make = 'mkdir -p /srv/www/cgi-bin && cat > /srv/www/cgi-bin/slow && chmod +x /srv/www/cgi-bin/slow'
  await farm.croftWith({ stdin: script }, 'exec', 'shop', '--', 'sh', '-c', make)
  const to = ['--resolve', `shop.example.org:443:${at.host.v4}`, 'https://shop.example.org/cgi-bin/slow']
  const child = farm.background('outside', { file: 'curl', args: ['-skN', ...to] }, 'pipe')
  const gone = once(child, 'exit')
  let said = ''
  child.stdout?.on('data', (chunk: Buffer) => {
    said += chunk.toString()
  })
  await farm.waitFor(() => said === 'begun ')
  const [, next] = await Promise.all([farm.croftOk('restart', 'shop'), sleep(300).then(() => answers())])
  await gone
  assert.deepEqual([said, next], ['begun ended\n', '200'])
})

test('an edge that is killed serves again by itself', async (context) => {
  const there = await visitors()
  for (const pid of await edgePids()) process.kill(pid, 'SIGKILL')
  await farm.waitFor(async () => (await answers('http://n999.example.org/')) !== '000', 60_000)
  const { failures, gapMs } = await there.leave()
  context.diagnostic(`nobody was served for ${gapMs} ms: ${JSON.stringify(failures)}`)
  for (const reason of Object.keys(failures))
    assert.match(reason, /connection: (ECONNREFUSED|ECONNRESET)|ends in its middle/)
})

/** HAProxy's master and workers of this farm. */
async function edgePids(): Promise<number[]> {
  const { stdout } = await farm.host({ file: 'pgrep', args: ['-f', `haproxy .*${farm.stateDir}/`] })
  const pids = stdout
    .split('\n')
    .map(Number)
    .filter((pid) => pid > 1)
  assert.ok(pids.length > 1, stdout)
  return pids
}
