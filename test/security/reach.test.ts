/** Where a caller from afar can have the farm connect to: not to the host itself, by no spelling and on no second way. */
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
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

test('lists of addresses hold for IPv6, and no header talks its way past them', async () => {
  const { v4, v6 } = at.outside
  const url = (address: string) => `http://${address.includes(':') ? `[${address}]` : address}/`
  const status = async (to: string, ...headers: string[]) => {
    const args = ['-s', '-g', '-o', '/dev/null', '-w', '%{http_code}', '-m', '10', '-H', 'Host: v.example.org']
    const said = headers.flatMap((header) => ['-H', header])
    return (await farm.outside({ file: 'curl', args: [...args, ...said, url(to)] })).stdout
  }
  const lies = (address: string) => [
    ...[`X-Forwarded-For: ${address}`, `Forwarded: for="[${address}]"`, `X-Real-IP: ${address}`],
    ...[`X-Forwarded-For: ::ffff:${address}`, `Client-IP: ${address}`],
  ]
  await farm.croftOk('route', 'add', 'v.example.org', '--redirect', 'https://w.example.org', 'https=off', `allow=${v6}`)
  assert.equal(await status(at.host.v6), '301')
  assert.equal(await status(at.host.v4), '403')
  assert.equal(await status(at.host.v4, ...lies(v6)), '403')
  await farm.croftOk('route', 'set', 'v.example.org', `allow=${v4}`)
  assert.equal(await status(at.host.v6, ...lies(v4)), '403')
  await farm.croftOk('route', 'set', 'v.example.org', 'allow=', `deny=${v6}/64`)
  assert.deepEqual([await status(at.host.v6), await status(at.host.v4)], ['403', '301'])
  await farm.croftOk('route', 'rm', 'v.example.org')
})

test('a password that is set is in no command line and no environment, whoever looks', async () => {
  const secret = 'wren-and-robin-4711'
  const seen: string[] = []
  let looking = true
  const look = (async () => {
    while (looking) {
      for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name)))
        for (const file of ['cmdline', 'environ']) {
          const text = await readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '')
          if (text.includes(secret)) seen.push(`${pid} ${file}`)
        }
    }
  })()
  await farm.croftOk('route', 'add', 'p.example.org', '--redirect', 'https://w.example.org')
  const set = await farm.croftWith({ stdin: `${secret}\n` }, 'route', 'set', 'p.example.org', 'user=lark')
  assert.equal(set.code, 0, set.stderr)
  looking = false
  await look
  assert.deepEqual(seen, [])
  await farm.croftOk('route', 'rm', 'p.example.org')
})
