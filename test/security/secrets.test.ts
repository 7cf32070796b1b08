/** A secret of a site goes in, and nothing of it comes out: by no answer, record, file, log, event or error. */
import assert from 'node:assert/strict'
import { lstatSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { type Route, routes } from '../../src/api/routes.ts'
import { ask } from '../system/request.ts'
import { fill } from './corpus.ts'
import { useSharedFarm } from './shared.ts'

const farm = await useSharedFarm()
await farm.croftOk('site', 'add', 'shop/prod')
const mark = `canary${process.pid}x`
/** Several lines, and letters that mean something elsewhere: also a part of it would be too much. */
const secret = `${mark}-one\n${mark}-two "'$(id)\`\\ \u00e9\n${mark}-three`
const path = '/v1/sites/shop%2Fprod/secrets'

const set = (value: string, ...words: string[]) =>
  farm.croftWith({ stdin: value }, 'secret', 'set', 'shop/prod', ...words)

function filesOf(folder: string): string[] {
  const inside = readdirSync(folder, { recursive: true, withFileTypes: true })
  return inside.map((entry) => join(entry.parentPath, entry.name)).filter((file) => lstatSync(file).isFile())
}

/** As it is, and as base64 or hexadecimal of each place it can begin at. */
const forms = (word: string): string[] => [
  word,
  Buffer.from(word).toString('hex'),
  ...[0, 1, 2].map((at) => Buffer.from(word.slice(at)).toString('base64url').slice(0, -2)),
]

function assertNothing(text: string, where: string): void {
  for (const form of forms(mark)) assert.ok(!text.includes(form), `${where} tells it`)
}

test('what was set is in no file and no answer, whatever was done with it', async () => {
  const said = [
    await set(`${secret}\n`, 'DB_PASSWORD'),
    await set(secret, 'DB_PASSWORD', '-vv', '--reason', 'new one'),
    await set(secret, 'TLS_KEY', '--dry-run'),
    await set(secret, 'TLS_KEY', '--json'),
    await set(secret, '9lives'),
    await set(secret, 'NOBODYS', '--if-revision', 'x'),
    await farm.croftWith({ stdin: secret }, 'secret', 'set', 'shop/none', 'DB_PASSWORD'),
    await farm.croft('secret', 'set', 'shop/prod', 'DB_PASSWORD', mark),
    await farm.croft('secret', 'set', 'shop/prod', `DB_PASSWORD=${mark}`),
    await farm.croft('secret', 'ls', 'shop/prod', '-o', 'wide'),
    await farm.croft('secret', 'rm', 'shop/prod', 'TLS_KEY', '-y'),
    await farm.croft('history'),
    await farm.croft('history', 'secret', 'shop/prod/DB_PASSWORD', '--json'),
    await farm.croft('events', '--tail', '50', '--json'),
    await farm.croft('config', 'show', 'shop/prod', '--explain'),
    await farm.croft('site', 'show', 'shop/prod', '--json'),
  ]
  for (const [at, { stdout, stderr }] of said.entries()) assertNothing(stdout + stderr, `command ${at}`)
  assert.deepEqual(
    said.map(({ code }) => code),
    [0, 0, 0, 0, 2, 2, 3, 2, 2, 0, 0, 0, 0, 0, 0, 0],
  )
  assert.match(said[9]?.stdout ?? '', /DB_PASSWORD +root/)

  const world = { site: 'shop/prod', app: 'shop', secret: 'DB_PASSWORD', host: farm.hostName, template: 'debian:12' }
  for (const { method, path } of Object.values(routes) as Route[])
    if (method === 'GET' && !path.endsWith('/archive')) {
      assertNothing((await farm.api('GET', fill(path, { guest: 'web', ...world }))).text, path)
    }
  assertNothing((await farm.api('GET', '/v1/data?prefix=secrets/')).text, 'raw records')
  assertNothing((await farm.api('GET', '/v1/events?tail=1000')).text, 'events')
  await farm.restartDaemon({})
  for (const file of filesOf(farm.stateDir)) assertNothing(readFileSync(file, 'latin1'), file)
})

test('who may only read learns the names, and can change none', async () => {
  const socket = join(dirname(farm.socket), 'read.sock')
  const listed = await ask(socket, { method: 'GET', path })
  assert.deepEqual([listed.status, (listed.body as { name: string }[]).map(({ name }) => name)], [200, ['DB_PASSWORD']])
  for (const request of [{ method: 'PUT', body: { value: 'x' } }, { method: 'DELETE' }])
    assert.equal((await ask(socket, { ...request, path: `${path}/DB_PASSWORD` })).status, 403)
  assert.equal((await ask(socket, { method: 'GET', path: '/v1/data?prefix=secrets/' })).status, 403)
})

test('raw records of secrets are neither told nor written', async () => {
  for (const key of ['secrets/sites/shop/prod/DB_PASSWORD', 'seeds/ash/00001']) {
    assert.equal((await farm.api('PUT', `/v1/data?key=${key}`, { value: null })).status, 403)
    assert.equal((await farm.api('GET', `/v1/data?prefix=${key}`)).text, '[]')
  }
})

test('what is no secret is refused, and says nothing of itself', async () => {
  const send = (value: unknown) => farm.api('PUT', `${path}/OTHER`, { value })
  for (const value of ['', `${mark}\0`, 'x'.repeat(64 * 1024 + 1), 'é'.repeat(40_000), '\ud800', 7, null, [mark]]) {
    const { status, text } = await send(value)
    assert.equal(status, 400, JSON.stringify(value)?.slice(0, 40))
    assertNothing(text, 'the refusal')
    assert.ok(text.length < 400)
  }
  assert.equal((await send('x'.repeat(64 * 1024))).status, 200)
})

test('a site that is made anew under an old name has no secrets of that one', async () => {
  await farm.croftOk('site', 'rm', 'shop/prod', '-y')
  await farm.croftOk('site', 'add', 'shop/prod')
  assert.equal((await farm.api('GET', path)).text, '[]')
  await farm.croftOk('site', 'rm', 'shop/prod', '-y')
  await farm.croftOk('app', 'rm', 'shop')
})
