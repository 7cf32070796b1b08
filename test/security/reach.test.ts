/** Where a caller from afar can have the farm connect to: not to the host itself, by no spelling and on no second way. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EdgeRoute } from '../../src/api/edge.ts'
import type { HistoryEntry } from '../../src/api/resources.ts'
import type { Outcome } from '../../src/drivers/exec/command.ts'
import { at, useFarm } from '../system/farm.ts'
import { loginFrom } from '../system/laptop.ts'

const farm = await useFarm({ init: ['--listen', ':8443'] })
const mine = await loginFrom(farm, 'lark')
const far = (...words: string[]): Promise<Outcome> => farm.croftWith({ env: mine.env, timeoutMs: 60_000 }, ...words)

/** How else it is written: fetch.test.ts. */
const spellings = ['2130706433', '[::ffff:127.0.0.1]', 'localhost', '169.254.169.254', '10.100.0.1', at.host.v4]

function assertRefused({ code, stderr }: Outcome, what: string): void {
  assert.equal(code, 4, `${what}: ${stderr}`)
  assert.match(stderr, /this host’s own or its guests’/, what)
}

test('an upstream of a route', async () => {
  for (const host of spellings)
    assertRefused(await far('route', 'add', 'a.example.org', '--upstream', `http://${host}:8443`), host)
  assert.deepEqual(await farm.json('route', 'ls'), [])
  const added = await far('route', 'add', 'a.example.org', '--upstream', `http://${at.outside.v4}:81`)
  assert.equal(added.code, 0, added.stderr)
  assertRefused(await far('route', 'set', 'a.example.org', 'upstream=http://127.0.0.1:22'), 'a change')
  assertRefused(await far('route', 'set', 'a.example.org', 'upstream=http://127.0.0.1:22', '--dry-run'), 'a plan')

  const told = await farm.croft('route', 'set', 'a.example.org', 'upstream=http://127.0.0.1:22')
  assert.equal(told.code, 0, told.stderr)
  assert.match(told.stderr, /this host’s own or its guests’: what answers there is open/)
  await farm.croftOk('route', 'set', 'a.example.org', `upstream=http://${at.outside.v4}:81`)
  const history = await farm.json<HistoryEntry[]>('history', 'route', 'a.example.org')
  assertRefused(await far('revert', 'route', 'a.example.org', String(history[0]?.revision)), 'by a revert')
  assert.equal((await farm.json<EdgeRoute>('route', 'show', 'a.example.org')).target, `http://${at.outside.v4}:81`)
  const root = await farm.croft('revert', 'route', 'a.example.org', String(history[0]?.revision))
  assert.equal(root.code, 0, root.stderr)
  // What root said stays when another setting is changed.
  assert.equal((await far('route', 'set', 'a.example.org', 'rate=50/s')).code, 0)
  await farm.croftOk('route', 'rm', 'a.example.org')
})

test('the directory of an ACME server, and name servers', async () => {
  assertRefused(await far('farm', 'set', 'resolvers=127.0.0.1:5399'), 'resolvers')
  assertRefused(await far('farm', 'set', 'resolvers=::ffff:127.0.0.1'), 'resolvers')
  const told = await farm.croft('farm', 'set', 'acme-directory=https://127.0.0.1/directory')
  assert.match(told.stderr, /acme-directory: .* is on this host itself/)
  assert.equal((await far('farm', 'set', 'acme-email=a@example.org')).code, 0)
  assertRefused(await far('farm', 'set', 'acme-directory=https://127.0.0.1/directory'), 'what root said')
})
