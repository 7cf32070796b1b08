/** A site changes its version, its number and its instances while visitors come without a break: none of their requests fails. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { Site } from '../../src/api/site.ts'
import type { TemplateRecord } from '../../src/daemon/records/records.ts'
import { createRunner } from '../../src/drivers/exec/runner.ts'
import type { LoadOrder, LoadReport } from '../load/load.ts'
import { at, createTestFarm } from './farm.ts'

const work = await mkdtemp(join(tmpdir(), 'croft-deploy-'))
const armed = join(work, 'failpoint')
await writeFile(armed, '')
const farm = await createTestFarm({ env: { CROFT_FAILPOINT: armed } })
let failed = false
after(async () => {
  await farm.dispose({ keepLog: failed })
  await rm(work, { recursive: true, force: true })
})
const program = new URL('../load/load.ts', import.meta.url).pathname
const host = 'shop.example.org'

const toml = `[app]
name = "shop"
[daemon.web]
command = "/srv/app/busybox httpd -f -p 8080 -h /srv/app/v1"
port = 8080
health = { http = "/up", within = "30s" }
`

/** A folder of each version, which is served as it is. */
async function build(): Promise<void> {
  const folder = join(work, 'shop')
  for (const version of ['v1', 'v2']) {
    await mkdir(join(folder, version), { recursive: true })
    await writeFile(join(folder, version, 'index.html'), `${version}\n`)
    await writeFile(join(folder, version, 'up'), 'well\n')
  }
  await copyFile('/bin/busybox', join(folder, 'busybox'))
  await writeFile(join(folder, 'croft.toml'), toml)
  const tar = `${folder}.tar.gz`
  await createRunner().run({ file: 'tar', args: ['-czf', tar, '-C', folder, '.'], timeoutMs: 30_000 })
  await farm.croftOk('build', 'shop', '--tar', tar, '--as', 'v1')
}

/** The same disk, with another croft.toml: as a record, which the daemon finds as it finds its own. */
async function release(version: string, web: object): Promise<void> {
  const { body } = await farm.api('GET', '/v1/data?prefix=templates/shop:v1')
  const [{ value }] = body as [{ value: TemplateRecord }]
  const facts = value.release
  assert.ok(facts)
  const daemon = { web: { ...facts.config.daemon?.web, ...web } }
  const record = {
    ...value,
    ref: `shop:${version}`,
    release: { ...facts, version, config: { ...facts.config, daemon } },
  }
  const { status, text } = await farm.api('PUT', `/v1/data?key=templates/shop:${version}`, { value: record })
  assert.equal(status, 200, text)
}
const serves = (folder: string): string => `/srv/app/busybox httpd -f -p 8080 -h /srv/app/${folder}`

const show = (): Promise<Site> => farm.json<Site>('site', 'show', 'shop/prod')
const ready = async (): Promise<string[]> =>
  (await show()).instances.filter(({ state }) => state === 'ready').map(({ name }) => name)

async function get(): Promise<string> {
  const args = ['-sk', '-m', '10', '--resolve', `${host}:443:${at.host.v4}`, `https://${host}/`]
  return (await farm.outside({ file: 'curl', args })).stdout.trim()
}

async function visitors() {
  const order: LoadOrder = { address: at.host.v4, port: 443, hosts: [host], connections: 4, pauseMs: 5 }
  const child = farm.background('outside', { file: process.execPath, args: [program, JSON.stringify(order)] }, 'pipe')
  let said = ''
  child.stdout?.on('data', (chunk: Buffer) => {
    said += chunk.toString()
  })
  return async (): Promise<LoadReport> => {
    const gone = once(child, 'exit')
    child.stdin?.end()
    await gone
    return JSON.parse(said) as LoadReport
  }
}

test('deploy, rollback, more, fewer, an instance that dies, the daemon killed within: no request fails', async (context) => {
  failed = true
  await build()
  await release('v2', { command: serves('v2') })
  await release('bad', { health: { kind: 'http', path: '/nope', withinSeconds: 5 } })
  const first = await farm.croft('deploy', 'shop/prod', 'v1', '--instances', '2', '--domain', host)
  assert.equal(first.code, 0, first.stderr)
  assert.match(first.stdout, /shop\/prod 2 of 2 healthy {2}shop:v1 {2}https:\/\/shop\.example\.org/)
  await farm.waitFor(async () => (await get()) === 'v1')
  const leave = await visitors()

  assert.match(await farm.croftOk('deploy', 'shop/prod', 'v2'), / {2}0 of [1-9]\d* requests failed/)
  assert.equal(await get(), 'v2')
  assert.match((await farm.croft('deploy', 'shop/prod', 'v2')).stdout, /is that already/)
  await farm.croftOk('rollback', 'shop/prod')
  assert.equal(await get(), 'v1')
  await farm.croftOk('site', 'scale', 'shop/prod', '3')
  assert.equal((await ready()).length, 3)
  const [dies = ''] = await ready()
  await farm.croft('exec', dies, '--plain', '--', 'poweroff', '-ff')
  await farm.waitFor(async () => (await ready()).length === 3, 60_000)
  await farm.croftOk('site', 'scale', 'shop/prod', '2')

  // Beside the old ones, and amid their last requests.
  for (const [step, version] of [
    ['rollout.register.before', 'v2'],
    ['rollout.drain.after', 'v1'],
  ] as const) {
    await writeFile(armed, step)
    await farm.croft('deploy', 'shop/prod', version, '--no-wait')
    await farm.daemonGone(60_000)
    await writeFile(armed, '')
    await farm.startDaemon({ CROFT_FAILPOINT: armed })
    await farm.waitFor(async () => (await show()).rollout?.state === 'done', 60_000)
    assert.equal(await get(), version)
  }

  const { statuses, failures, requests, resent, slowestMs, gapMs } = await leave()
  context.diagnostic(`${requests} requests, ${resent} sent again, the slowest ${slowestMs} ms, longest gap ${gapMs} ms`)
  assert.deepEqual([Object.keys(statuses), failures], [['200'], {}])
  assert.ok(requests > 100)
  failed = false
})

test('a program that is missing is told at once; one that dies while it serves is kept and shown', async () => {
  failed = true
  const health = { kind: 'http', path: '/up', withinSeconds: 3600 }
  await release('missing', { command: '/srv/app/nowhere', health })
  const said = await farm.croft('deploy', 'shop/prod', 'missing')
  assert.equal(said.code, 1, said.stderr)
  assert.match(said.stderr, /web could not be started \(203\/EXEC\): its program is missing[\s\S]*↩ shop:v1 serves on/)
  const [name = ''] = await ready()
  // As the application: its user, folder and environment. Told by one that may end its daemons.
  const who = ['sh', '-c', 'id -un; pwd; echo $CROFT_SITE $CROFT_INSTANCE $A']
  assert.equal(await farm.croftOk('exec', name, '--env', 'A=b', '--', ...who), `app\n/srv/app\nshop/prod ${name} b\n`)
  assert.equal(await farm.croftOk('exec', name, '--plain', '--', 'id', '-un'), 'root\n')
  await farm.croftOk('exec', name, '--', 'pkill', '-KILL', 'busybox')
  await farm.waitFor(
    async () => /^\d+ \| .*web.*Main process exited/m.test(await farm.croftOk('logs', 'shop/prod')),
    30_000,
  )
  const seen = async () => (await show()).exits?.find(({ instance }) => instance === name)
  await farm.waitFor(async () => (await seen()) !== undefined, 90_000)
  assert.deepEqual([(await seen())?.name, (await seen())?.kind], ['web', 'daemon'])
  assert.match((await seen())?.why ?? '', /was killed by signal 9/)
  assert.match(await farm.croftOk('status'), /web was killed by signal 9/)
  failed = false
})

test('a version that never gets healthy, a step before traffic that fails, a cancel: the old serve on', async () => {
  failed = true
  const before = await ready()
  const said = await farm.croft('deploy', 'shop/prod', 'bad')
  assert.equal(said.code, 1, said.stderr)
  assert.match(said.stderr, /shop\/prod\/\d+ is not healthy: GET \/nope/)
  assert.match(said.stderr, /↩ shop:v1 serves on/)
  await farm.croftOk('config', 'set', 'shop/prod', 'before.command=sh -c "echo no such table; exit 3"')
  const migrated = await farm.croft('deploy', 'shop/prod', 'v2')
  assert.equal(migrated.code, 1, migrated.stderr)
  assert.match(migrated.stderr, /before failed: sh -c[\s\S]*no such table[\s\S]*↩ shop:v1 serves on/)
  await farm.croftOk('config', 'set', 'shop/prod', 'before.command=sleep 60')
  const { operation } = (await farm.api('POST', '/v1/sites/shop%2Fprod/deploy', { version: 'v2' })).body as {
    operation: { id: string }
  }
  await farm.waitFor(async () => (await show()).rollout?.step === 'before', 30_000)
  const refused = await farm.croft('deploy', 'shop/prod', 'v2', '--no-wait')
  assert.deepEqual([refused.code, /is being deployed by root/.test(refused.stderr)], [5, true], refused.stderr)
  await farm.croftOk('op', 'cancel', operation.id)
  await farm.waitFor(async () => (await show()).rollout?.state === 'cancelled', 30_000)
  assert.deepEqual([await ready(), await get()], [before, 'v1'])

  await farm.croftOk('stop', 'shop/prod')
  assert.equal((await show()).state, 'stopped')
  await farm.croftOk('start', 'shop/prod')
  assert.deepEqual([(await ready()).length, await get()], [before.length, 'v1'])
  await farm.croftOk('site', 'rm', 'shop/prod', '-y')
  await farm.waitFor(async () => (await farm.croft('site', 'show', 'shop/prod')).code === 3, 60_000)
  assert.deepEqual([await farm.json('instance', 'ls'), await farm.json('route', 'ls')], [[], []])
  failed = false
})
