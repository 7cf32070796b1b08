/** Routes from the command line to what a client gets: the edge as shipped, in the farm's own namespace. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { EdgeRoute } from '../../src/api/edge.ts'
import { at, useFarm } from './farm.ts'
import { serve } from './guests.ts'
import type { Place } from './places.ts'

const farm = await useFarm()
const armed = join(farm.stateDir, 'failpoint')

interface Got {
  readonly status: number
  readonly location: string
  readonly body: string
}

/** As a client that trusts the farm's CA and finds every name at this host. */
async function get(
  url: string,
  more: readonly string[] = [],
  place: Place | { guest: string } = 'outside',
): Promise<Got> {
  const args = [
    ...['-sS', '-g', '-m', '20', '--noproxy', '*', '--cacert', join(farm.stateDir, 'pki', 'ca.pem')],
    ...['--connect-to', `::${at.host.v4}:`, '-w', '\n%{http_code} %{redirect_url}', ...more, '--', url],
  ]
  const said =
    typeof place === 'string'
      ? await farm[place]({ file: 'curl', args })
      : await farm.croft(
          'exec',
          place.guest,
          '--',
          'curl',
          '-k',
          ...args.filter((word) => !/cacert|ca\.pem/.test(word)),
        )
  const [, body = '', status = '0', location = ''] = /^(.*)\n(\d+) (.*)$/s.exec(said.stdout) ?? []
  return { status: Number(status), location, body: status === '000' ? said.stderr.trim() : body.trim() }
}
const show = (name: string) => farm.json<EdgeRoute>('route', 'show', name)

/** Routes go before the guests do. */
async function withRoutes(act: () => Promise<void>): Promise<void> {
  try {
    await act()
  } finally {
    for (const { name } of await farm.json<EdgeRoute[]>('route', 'ls')) await farm.croft('route', 'rm', name)
  }
}
async function guest(name: string, port = 8080): Promise<void> {
  await farm.croftOk('create', name, 'debian:12')
  await serve(farm, name, port)
}

test('a domain is served from a guest, under the farm’s certificate, and http leads to https', () =>
  withRoutes(async () => {
    await guest('web')
    const said = await farm.croftOk('route', 'add', 'shop.example.org', 'web:8080', 'aliases=www.shop.example.org')
    assert.match(said, /shop\.example\.org → web:8080/)
    const got = await get('https://shop.example.org/')
    assert.deepEqual([got.status, got.body], [200, 'web sees 169.254.0.1'])
    const plain = await get('http://shop.example.org/x')
    assert.deepEqual([plain.status, plain.location], [301, 'https://shop.example.org/x'])
    assert.equal((await get('https://www.shop.example.org/y')).location, 'https://shop.example.org/y')
    assert.equal(
      (await get('https://shop.example.org/', [], { guest: 'web' })).status,
      200,
      'a guest reaches its own name',
    )
    const route = await show('shop.example.org')
    assert.deepEqual([route.state, route.target, route.certificate?.kind], ['serves', 'web:8080', 'farm'])
    assert.ok((route.requests ?? 0) >= 2)
    assert.match(
      await farm.croftOk('route', 'logs', 'shop.example.org'),
      /198\.51\.100\.2 GET shop\.example\.org\/ 200/,
    )
    assert.match(await farm.croftOk('route', 'ls'), /● serves +web:8080 +farm until /)
    await farm.croftOk('rename', 'web', 'shop')
    assert.equal((await show('shop.example.org')).target, 'shop:8080')
    assert.equal((await get('https://shop.example.org/')).status, 200)
  }))

test('a guest that stops is answered for at once; one that starts again is waited for', () =>
  withRoutes(async () => {
    await guest('web')
    await farm.croftOk('route', 'add', 'a.example.org', 'web:8080', 'queue=30s')
    await farm.croftOk('stop', 'web')
    await farm.waitFor(async () => (await get('https://a.example.org/')).status === 503)
    const { state, reason } = await show('a.example.org')
    assert.deepEqual([state, reason], ['no-target', 'guest "web" is stopped'])
    assert.match((await farm.croft('status')).stdout, /a\.example\.org/)
    await farm.croftOk('start', 'web')
    await serve(farm, 'web', 8080)
    await farm.waitFor(async () => (await get('https://a.example.org/')).status === 200)
    await farm.croftOk('restart', 'web')
    const waiting = get('https://a.example.org/')
    await serve(farm, 'web', 8080)
    assert.equal((await waiting).status, 200)
    const said = await farm.croft('rm', 'web', '-y')
    assert.match(said.stderr, /a\.example\.org.*no target/)
    assert.equal((await show('a.example.org')).state, 'no-target')
    assert.equal((await get('https://a.example.org/')).status, 503)
    await guest('web')
    assert.equal((await get('https://a.example.org/')).status, 503, 'another guest of that name serves nobody’s domain')
    await farm.croftOk('route', 'set', 'a.example.org', 'to=web:8080')
    assert.equal((await get('https://a.example.org/')).status, 200)
  }))

test('a guest in which nothing listens is told everywhere, with the mend; who comes to listen is served', () =>
  withRoutes(async () => {
    await farm.croftOk('create', 'mute', 'debian:12', '--wait=stable')
    const said = await farm.croft('route', 'add', 'm.example.org', 'mute:8080', 'queue=2s')
    assert.equal(said.code, 0, said.stderr)
    assert.match(said.stderr, /▲ nothing listens on mute:8080.*croft exec mute -- ss -ltn/)
    const told = /✗ no-answer +mute:8080 .*nothing listens on mute:8080 +croft exec mute -- ss -ltn/
    await farm.waitFor(async () => told.test(await farm.croftOk('route', 'ls')))
    assert.equal((await get('https://m.example.org/')).status, 503)
    const { state, reason, mend } = await show('m.example.org')
    assert.deepEqual([state, reason, mend], ['no-answer', 'nothing listens on mute:8080', 'croft exec mute -- ss -ltn'])
    const check = await farm.croft('check', 'm.example.org')
    assert.equal(check.code, 9)
    assert.match(check.stdout, /red +http +nothing listens on mute:8080 +croft exec mute -- ss -ltn/)
    assert.match((await farm.croft('status')).stdout, /m\.example\.org.*nothing listens/)
    await serve(farm, 'mute', 8080)
    await farm.waitFor(async () => (await get('https://m.example.org/')).status === 200)
    assert.equal((await show('m.example.org')).state, 'serves')
  }))

test('settings reach the edge: passwords, maintenance, paths, redirects, other servers, previews, TCP', () =>
  withRoutes(async () => {
    await guest('web')
    await guest('api1', 3000)
    await farm.croftOk('route', 'add', 'b.example.org', 'web:8080')
    await farm.croftOk('route', 'add', 'b.example.org/api', 'api1:3000')
    assert.match((await get('https://b.example.org/api/x')).body, /^api1 sees/)
    assert.match((await get('https://b.example.org/apix')).body, /^web sees/)
    const secret = await farm.croftWith({ stdin: 'wren-and-robin\n' }, 'route', 'set', 'b.example.org', 'user=lark')
    assert.equal(secret.code, 0, secret.stderr)
    assert.equal((await get('https://b.example.org/')).status, 401)
    assert.equal((await get('https://b.example.org/', ['-u', 'lark:wren-and-robin'])).status, 200)
    assert.match(secret.stderr, /holds for b\.example\.org\/api too: croft route set b\.example\.org\/api inherit=no/)
    assert.match(await farm.croftOk('route', 'show', 'b.example.org/api'), /users +lark \(of b\.example\.org\)/)
    assert.equal((await get('https://b.example.org/api/x')).status, 401)
    assert.equal((await get('https://b.example.org/api/x', ['-u', 'lark:wren-and-robin'])).status, 200)
    await farm.croftOk('route', 'set', 'b.example.org/api', 'inherit=no')
    assert.equal((await get('https://b.example.org/api/x')).status, 200)
    assert.doesNotMatch(await farm.croftOk('history', 'route', 'b.example.org', '--json'), /wren|\$6\$/)
    await farm.croftOk(
      'route',
      'set',
      'b.example.org',
      'user=-lark',
      'maintenance=yes',
      'maintenance-text=Back at noon',
    )
    const page = await get('https://b.example.org/')
    assert.deepEqual([page.status, /Back at noon/.test(page.body)], [503, true], page.body)
    await farm.croftOk('farm', 'set', `edge-operators=${at.outside.v4}`, 'preview-domain=p.example.net')
    assert.equal((await get('https://b.example.org/')).status, 200, 'operators pass')
    assert.equal((await get('https://b-example-org.p.example.net/api')).status, 200)
    await farm.croftOk('farm', 'set', 'edge-operators=', 'preview-domain=')
    await farm.croftOk('route', 'add', 'c.example.org', '--redirect', 'https://b.example.org', 'https=off')
    assert.equal((await get('http://c.example.org/q')).location, 'https://b.example.org/q')
    await farm.croftOk('route', 'add', ':5432', 'api1:3000')
    assert.match(
      (await farm.outside({ file: 'curl', args: ['-s', '-m', '10', `http://${at.host.v4}:5432/`] })).stdout,
      /^api1 sees/,
    )
    const taken = await farm.croft('port', 'web', '443:8080')
    assert.deepEqual([taken.code, /heard by the edge/.test(taken.stderr)], [5, true], taken.stderr)
  }))

test('a port that somebody else has is told, and taken when it is free', () =>
  withRoutes(async () => {
    await guest('web')
    const other = farm.background('host', {
      file: 'perl',
      args: [new URL('who.pl', import.meta.url).pathname, 'other', '443'],
    })
    await farm.waitFor(async () => (await farm.host({ file: 'ss', args: ['-Hltn', 'sport = :443'] })).stdout !== '')
    const stream = await farm.croft('route', 'add', ':443', 'web:8080')
    assert.deepEqual([stream.code, /used by a program/.test(stream.stderr)], [5, true], 'it would hold up all others')
    const said = await farm.croft('route', 'add', 'd.example.org', 'web:8080')
    assert.equal(said.code, 0, said.stderr)
    assert.match(said.stdout + said.stderr, /443/)
    assert.equal((await show('d.example.org')).state, 'waits')
    const doctor = await farm.croft('doctor')
    assert.match(doctor.stdout, /edge.*443.*perl/)
    other.kill('SIGKILL')
    await farm.waitFor(async () => (await show('d.example.org')).state === 'serves', 60_000)
    assert.equal((await get('https://d.example.org/')).status, 200)
  }))

test('a port of TCP that was taken while the edge was down waits alone, with its reason, until it is free', () =>
  withRoutes(async () => {
    await guest('web')
    await farm.croftOk('route', 'add', ':5432', 'web:8080')
    await farm.croftOk('route', 'add', 'e.example.org', 'web:8080')
    await farm.stopDaemon()
    await farm.host({ file: 'pkill', args: ['-KILL', '-f', `haproxy .*${farm.stateDir}/`] })
    const who = new URL('who.pl', import.meta.url).pathname
    const free = async () => (await farm.host({ file: 'ss', args: ['-Hltn', 'sport = :5432'] })).stdout === ''
    await farm.waitFor(free)
    const other = farm.background('host', { file: 'perl', args: [who, 'other', '5432'] })
    await farm.waitFor(async () => !(await free()))
    await farm.startDaemon()
    await farm.waitFor(async () => (await get('https://e.example.org/')).status === 200, 60_000)
    await farm.waitFor(async () => (await show(':5432')).state === 'waits', 60_000)
    assert.match((await show(':5432')).reason ?? '', /cannot hear at :5432: another program of the host has it/)
    assert.equal((await show('e.example.org')).state, 'serves')
    assert.match((await farm.croft('status')).stdout, /edge.*5432.*croft doctor/)
    assert.match((await farm.croft('doctor')).stdout, /port 5432 .*perl.*croft route rm :5432/)
    const knock = await farm.croft('exec', 'web', '--', 'curl', '-sm', '3', `http://${at.host.v4}:5432/`)
    assert.notEqual(knock.code, 0, 'a program of the host is not open to guests because a route has its port')
    other.kill('SIGKILL')
    await farm.waitFor(async () => (await show(':5432')).state === 'serves', 60_000)
    assert.equal((await get(`http://${at.host.v4}:5432/`)).body, 'web sees 169.254.0.1')
  }))

test('the edge serves on while no daemon runs; one that dies at any step serves what the records say', () =>
  withRoutes(async () => {
    await guest('web')
    const env = { CROFT_FAILPOINT: armed }
    /** Until it was this change at which it died, and not the look at its start. */
    const dieAt = async (step: string, met: (all: readonly EdgeRoute[]) => boolean, ...words: string[]) => {
      do {
        writeFileSync(armed, step)
        await farm.croft('route', ...words)
        await farm.daemonGone()
        writeFileSync(armed, '')
        await farm.startDaemon(env)
      } while (!met(await farm.json<EdgeRoute[]>('route', 'ls')))
    }
    writeFileSync(armed, '')
    await farm.restartDaemon({ env })
    const name = 'k.example.org'
    const seen = (status: number) => farm.waitFor(async () => (await get(`https://${name}/`)).status === status)
    await dieAt('edge.before', (all) => all.length > 0, 'add', name, 'web:8080')
    await seen(200)
    await dieAt('edge.after', (all) => all.some(({ maintenance }) => maintenance), 'set', name, 'maintenance=yes')
    await seen(503)
    await farm.stopDaemon('SIGKILL')
    assert.equal((await get(`https://${name}/`)).status, 503)
    await farm.startDaemon(env)
    await dieAt('edge.before', (all) => all.length === 0, 'rm', name)
    // Nobody listens any more.
    await seen(0)
    assert.deepEqual(await farm.json('route', 'ls'), [])
    await farm.restartDaemon()
  }))
