/** What is refused names the form that it should have: by itself, or by the row of its command. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ago } from '../../../../src/cli/commands/guest/logs.ts'
import { commands } from '../../../../src/cli/table.ts'
import { formOf } from '../../../../src/cli/words/form.ts'
import { parse } from '../../../../src/cli/words/parse.ts'
import { croft, fakeDaemon, guest } from '../fake-daemon.ts'

const refusing = (message: string) => fakeDaemon(() => ({ status: 400, value: { code: 'BAD_VALUE', message } }))

test('every command has a form, with an example that parses', () => {
  for (const row of commands) {
    const form = formOf(row, { code: 'BAD_VALUE', message: 'body: is not valid' }) ?? ''
    const [, example = ''] = / {3}like: croft (.*)$/.exec(form) ?? []
    assert.ok(example !== '', form)
    assert.equal(
      parse(commands, example.match(/'[^']*'|"[^"]*"|\S+/g) ?? []).kind,
      row.verb === 'help' ? 'help' : 'run',
      form,
    )
  }
})

test('a value that the daemon refuses without a word more is answered by the form of what was typed', async () => {
  for (const [message, words, wanted] of [
    [
      'guest: must be 1 to 63 of a-z',
      ['rename', 'web', 'We b'],
      /→ croft rename GUEST NAME {3}like: croft rename web shop/,
    ],
    ['spec.order: must be a number', ['set', 'web', 'order=x'], /→ order=NUMBER {3}\(when its host starts/],
    ['waves: must be numbers', ['deploy', 'shop/prod', 'v1', '--waves', 'x'], /→ --waves WAVES {3}\(so many at a time/],
    ['hold: is not a time', ['deploy', 'shop/prod', 'v1', '--hold', 'x'], /→ --hold TIME/],
  ] as const) {
    await using daemon = await refusing(message)
    const ran = await croft(words, daemon)
    assert.equal(ran.code, 2)
    assert.match(ran.err, wanted)
  }
})

test('of several each is told so; as JSON too; a hint that is there stays', async () => {
  await using daemon = await refusing('guest: must be a name')
  assert.match((await croft(['start', 'a_b', 'c_d'], daemon)).err, /(→ croft start \[GUEST...\] .*\n.*){2}/s)
  const told = JSON.parse((await croft(['rename', 'a_b', 'c', '--json'], daemon)).err) as { code: string; hint: string }
  assert.match(`${told.code} ${told.hint}`, /BAD_VALUE croft rename GUEST NAME/)
  await using knowing = await fakeDaemon(() => ({
    status: 400,
    value: { code: 'BAD_VALUE', message: 'no', hint: 'croft size ls' },
  }))
  assert.match((await croft(['rename', 'a', 'b'], knowing)).err, /→ croft size ls\n$/)
})

test('a word of a query is told as its flag; a time of logs is looked at before anything is asked', async () => {
  await using daemon = await refusing('query.kind: must be one of farm, host')
  assert.match((await croft(['events', '--kind', 'x'], daemon)).err, /✗ --kind must be one of.*\n.*→ --kind KIND/)
  for (const since of ['1hh', 'foo', '5x']) assert.throws(() => ago(since), /--since takes a time/)
  assert.deepEqual(
    ['1h', '2d', '-5min', 'yesterday', '2 hours ago', '2026-01-02 03:04', '@17', 'Mon 2026-01-05'].map(ago).join('|'),
    '-1h|-2d|-5min|yesterday|2 hours ago|2026-01-02 03:04|@17|Mon 2026-01-05',
  )
  assert.match((await croft(['logs', 'web', '--since', '1hh'], daemon)).err, /→ --since 5m, 1h/)
})

test('a domain says by its shape that a route is meant', async () => {
  await using daemon = await fakeDaemon(() => ({ value: { operation: null, result: null } }))
  await croft(['rm', 'shop.example.org'], daemon)
  await croft(['set', 'shop.example.org/api', 'maintenance=yes'], daemon)
  assert.deepEqual(
    daemon.asked.map(({ method, path }) => `${method} ${decodeURIComponent(path)}`),
    ['DELETE /v1/routes/shop.example.org', 'PATCH /v1/routes/shop.example.org/api'],
  )
})

test('what another tool or noun calls otherwise is answered by the word that is meant, or by none', async () => {
  for (const [line, wanted] of [
    ['site create a/b', /→ croft site add shop\/prod/],
    ['token create x', /→ croft token add /],
    ['network add x', /→ croft network create office /],
    ['template create x', /→ croft template build debian:12/],
    ['secret add a/b X', /→ croft secret set shop\/prod DB_PASSWORD/],
    ['host stop birch', /→ croft host drain birch/],
    ['host rm birch', /→ croft host leave birch/],
    ['host add birch', /→ croft host invite/],
    ['farm init', /→ croft init/],
    ['route check x.org', /→ croft check/],
    ['site logs a/b', /→ croft logs web/],
    ['release deploy shop:v1', /→ croft deploy/],
    ['replica add web birch', /→ croft replicate web birch/],
    ['app mend x', /nothing that an app has\n.*croft help app {3}\(/],
    ['reboot web', /→ croft restart\n/],
    ['ssh web', /→ croft shell\n/],
    ['promote a/b', /→ croft help\n/],
    ['hepl', /→ croft help\n/],
    ['create debian:12 web', /"debian:12" is a template.*\n.*→ croft create web debian:12\n/],
  ] as const) {
    const ran = await croft(line.split(' '))
    assert.equal(ran.code, 2, line)
    assert.match(ran.err, wanted)
  }
})

test('a token that nobody has is told before anything is asked', async () => {
  await using daemon = await fakeDaemon(({ method }) => ({
    value: method === 'GET' ? [{ name: 'lark' }] : { operation: null, result: null },
  }))
  assert.deepEqual((await croft(['token', 'rm', 'lrak'], daemon)).code, 3)
  assert.deepEqual((await croft(['token', 'rm', 'lark', '-y'], daemon)).code, 0)
})

test('what is not of words is not answered by words', () => {
  const [row] = commands
  for (const code of ['REFUSED', 'NOT_FOUND', 'FAILED', 'TOO_LARGE'] as const)
    assert.equal(row && formOf(row, { code, message: 'x' }), undefined)
})

test('ports and rules that are said in another order name theirs', async () => {
  await using daemon = await fakeDaemon(({ path }) => ({ value: path.endsWith('/rules') ? [] : guest('web') }))
  for (const [words, wanted] of [
    [['port', 'add', 'web', '80:80'], /→ croft port web 80:80\n/],
    [['port', 'rm', 'web', '8080'], /→ croft port web --rm 8080\n/],
    [['port', 'add'], /→ croft port web PORT\n/],
    [
      ['port', 'web', '80'],
      /"80" is not a port like 8080:80.*\n.*→ croft port \[GUEST\] \[PORT...\] {3}like: croft port web 8080:80/,
    ],
    [['allow', 'add', 'web', 'from', 'pg'], /→ croft allow web from pg\n/],
    [['deny', 'delete', 'web', 'from', 'pg'], /→ croft deny web --rm from pg\n/],
    [['allow', 'web', 'pg'], /→ from pg tcp\/5432/],
  ] as const) {
    const ran = await croft(words, daemon)
    assert.equal(ran.code, 2, words.join(' '))
    assert.match(ran.err, wanted)
  }
  assert.deepEqual(daemon.asked, [])
  assert.match((await croft(['port', 'ls', 'web'], daemon)).err, /web publishes no port/)
  assert.match((await croft(['allow', 'ls', 'web'], daemon)).err, /web has no rules/)
})
