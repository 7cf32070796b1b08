/** What goes wrong while a site changes its version: the daemon restarts, an instance dies, the edge dies, a visitor holds a websocket. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { Site } from '../../src/api/site.ts'
import type { TemplateRecord } from '../../src/daemon/records/records.ts'
import { createRunner } from '../../src/drivers/exec/runner.ts'
import type { LoadOrder, LoadReport } from '../load/load.ts'
import { addExampleBases } from './bases.ts'
import { at, createTestFarm } from './farm.ts'

const farm = await createTestFarm()
const work = await mkdtemp(join(tmpdir(), 'croft-faults-'))
let failed = true
after(async () => {
  await farm.dispose({ keepLog: failed })
  await rm(work, { recursive: true, force: true })
})
await addExampleBases(farm, ['node'])

const host = 'shop.example.org'
const program = new URL('../load/load.ts', import.meta.url).pathname

const toml = `[app]
name = "shop"
platform = "node"
[daemon.web]
command = "node server.js v1"
port = 8080
health = "/up"
[data.log]
path = "log"
size = "64M"
[cron.tick]
schedule = "*:*:0/5"
command = "echo begin $CROFT_INSTANCE >>log/jobs; sleep 1; echo end $CROFT_INSTANCE >>log/jobs"
`
/** Says its version; echoes what comes by a websocket. */
const server = `const { createHash } = require('node:crypto')
const server = require('node:http').createServer((request, response) => response.end(process.argv[2] + '\\n'))
server.on('upgrade', ({ headers }, socket) => {
  const key = headers['sec-websocket-key'] + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
  const accept = createHash('sha1').update(key).digest('base64')
  const head = ['HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket', 'Connection: Upgrade', 'Sec-WebSocket-Accept: ' + accept]
  socket.write(head.join('\\r\\n') + '\\r\\n\\r\\n')
  socket.on('error', () => {}).on('data', (bytes) => socket.write(bytes))
})
server.listen(8080)
process.once('SIGTERM', () => server.close(() => process.exit(0)))
`
/** A visitor with a websocket: what comes on stdin goes there, what comes from there is printed. */
const visitor = `const [, host, address] = process.argv
const socket = require('node:tls').connect({ host: address, port: 443, servername: host, rejectUnauthorized: false })
const head = ['GET / HTTP/1.1', 'Host: ' + host, 'Connection: Upgrade', 'Upgrade: websocket']
head.push('Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==')
socket.write(head.join('\\r\\n') + '\\r\\n\\r\\n')
socket.on('data', (bytes) => process.stdout.write(bytes)).on('close', () => process.exit(0)).on('error', () => {})
process.stdin.on('data', (bytes) => socket.write(bytes)).on('end', () => socket.end())
`

async function build(): Promise<void> {
  const folder = join(work, 'shop')
  await mkdir(folder)
  await writeFile(join(folder, 'server.js'), server)
  await writeFile(join(folder, 'croft.toml'), toml)
  const tar = `${folder}.tar`
  await createRunner().run({ file: 'tar', args: ['-cf', tar, '-C', folder, '.'], timeoutMs: 30_000 })
  await farm.croftOk('build', 'shop', '--tar', tar, '--as', 'v1')
  const { body } = await farm.api('GET', '/v1/data?prefix=templates/shop:v1')
  const [{ value }] = body as [{ value: TemplateRecord }]
  const { release } = value
  assert.ok(release)
  const daemon = { web: { ...release.config.daemon?.web, command: 'node server.js v2' } }
  const second = { ...release, version: 'v2', config: { ...release.config, daemon } }
  const put = { value: { ...value, ref: 'shop:v2', release: second } }
  assert.equal((await farm.api('PUT', '/v1/data?key=templates/shop:v2', put)).status, 200)
}

const show = (): Promise<Site> => farm.json<Site>('site', 'show', 'shop/prod')
async function get(): Promise<string> {
  const args = ['-sk', '-m', '10', '--resolve', `${host}:443:${at.host.v4}`, `https://${host}/`]
  return (await farm.outside({ file: 'curl', args })).stdout.trim()
}

/** Begun, and come as far as that new instances are made. */
async function begin(version: string): Promise<void> {
  const { status, text } = await farm.api('POST', '/v1/sites/shop%2Fprod/deploy', { version })
  assert.ok(status < 300, text)
  await farm.waitFor(async () => ((await show()).rollout?.new.length ?? 0) > 0, 60_000)
}
const done = (): Promise<void> => farm.waitFor(async () => (await show()).rollout?.state === 'done', 120_000)

test('a websocket goes on while its instance drains, and what it holds up ends with it', async () => {
  await build()
  await farm.croftOk('deploy', 'shop/prod', 'v1', '--instances', '2', '--domain', host)
  await farm.waitFor(async () => (await get()) === 'v1')
  const child = farm.background('outside', { file: process.execPath, args: ['-e', visitor, host, at.host.v4] }, 'pipe')
  let said = ''
  child.stdout?.on('data', (chunk: Buffer) => {
    said += chunk
  })
  await farm.waitFor(() => /^HTTP\/1\.1 101 /.test(said))
  const deployed = farm.croft('deploy', 'shop/prod', 'v2')
  const drains = async () => (await show()).instances.some(({ state }) => state === 'draining')
  await farm.waitFor(drains, 60_000, 'an instance that drains')
  child.stdin?.write('still there')
  await farm.waitFor(() => said.endsWith('still there'))
  // The edge is told a moment later.
  await farm.waitFor(async () => (await get()) === 'v2')
  const gone = once(child, 'exit')
  child.stdin?.end()
  await gone
  assert.equal((await deployed).code, 0)
})

test('the daemon restarts amid a rollout, and an instance that serves dies in another: no request fails', async (context) => {
  const order: LoadOrder = { address: at.host.v4, port: 443, hosts: [host], connections: 4, pauseMs: 5 }
  const child = farm.background('outside', { file: process.execPath, args: [program, JSON.stringify(order)] }, 'pipe')
  let said = ''
  child.stdout?.on('data', (chunk: Buffer) => {
    said += chunk
  })
  await begin('v1')
  await farm.restartDaemon()
  await done()
  assert.equal(await get(), 'v1')
  await begin('v2')
  const [dies = ''] = (await show()).rollout?.old ?? []
  await farm.croft('exec', dies, '--plain', '--', 'poweroff', '-ff')
  await done()
  assert.equal(await get(), 'v2')
  const gone = once(child, 'exit')
  child.stdin?.end()
  await gone
  const { statuses, failures, requests, resent } = JSON.parse(said) as LoadReport
  context.diagnostic(`${requests} requests, ${resent} sent again`)
  assert.deepEqual([Object.keys(statuses), failures], [['200'], {}])
  assert.ok(requests > 100)
})

test('the edge is killed amid a rollout, which comes to its end all the same', async () => {
  await begin('v1')
  const pid = Number(await readFile(join(farm.stateDir, 'edge/haproxy.pid'), 'utf8'))
  process.kill(pid, 'SIGKILL')
  await done()
  await farm.waitFor(async () => (await get()) === 'v1', 60_000)
  assert.equal((await show()).state, 'serves')
})

test('through all of it jobs that run once for the site ran in one instance after the other, never in two', async () => {
  const now = (await show()).instances.map(({ name }) => name)
  const log = async () => (await farm.croftOk('exec', now[0] ?? '', '--', 'cat', 'log/jobs')).trim().split('\n')
  const isLast = (line: string) => now.some((name) => line === `end ${name}`)
  await farm.waitFor(async () => (await log()).some(isLast), 60_000, 'a job of the last one')
  const lines = await log()
  const ended = lines.flatMap((line, at) => (line.startsWith('end ') ? [[lines[at - 1], line]] : []))
  assert.deepEqual(
    ended.map(([before]) => before),
    ended.map(([, line]) => line?.replace('end', 'begin')),
  )
  const order = lines.map((line) => line.split(' ')[1]).filter((name, at, all) => name !== all[at - 1])
  assert.equal(new Set(order).size, order.length, order.join())
  assert.ok(order.length > 1)
  failed = false
})
