/** Hosts come into a farm and leave it: one word typed on each; guests run on, whatever is refused or killed on the way. */
import assert from 'node:assert/strict'
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join as pathOf } from 'node:path'
import { before, test } from 'node:test'
import type { Host } from '../../src/api/host.ts'
import type { MadeInvitation } from '../../src/api/join.ts'
import { type TestHost, useHosts } from './hosts.ts'

const hosts = await useHosts()
const { ash, birch, cedar } = hosts

const join = (host: TestHost, token: string, ...words: string[]) =>
  host.croft('join', token.trim(), '--pool', 'file', '--pool-size', '2G', ...words)
const namesOn = async (host: TestHost): Promise<string[]> =>
  (await host.json<Host[]>('host', 'ls')).map(({ name }) => name)
const startOf = async (host: TestHost, guest: string): Promise<string> =>
  (await host.inGuest(guest, 'cat', '/proc/1/stat')).split(' ')[21] ?? ''

async function makeCa(host: TestHost, file: string): Promise<void> {
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  const out = ['-subj', '/CN=other', '-days', '1', '-keyout', file, '-out', `${file}.pem`]
  assert.equal((await host.host({ file: 'openssl', args: ['req', '-x509', ...curve, ...out] })).code, 0)
  appendFileSync(file, readFileSync(`${file}.pem`))
}

let token = ''
before(async () => {
  const invited = await ash.croft('host', 'invite')
  assert.match(invited.stderr, /the door to the outside was shut: hosts reach this one at 198\.51\.100\.11:8443/)
  token = invited.stdout.trim()
})

test('what must not come in does not, and nothing is changed by it', async () => {
  const refused = async (host: TestHost, code: number, why: RegExp, ...words: string[]) => {
    const said = await host.croft('join', ...words)
    assert.equal(said.code, code, `${words.join(' ')}\n${said.stderr}`)
    assert.match(said.stderr, why)
    assert.match(said.stderr, /\n {2}→ \S/, 'a hint')
  }
  const [cf1, secret = '', fingerprint = ''] = token.split(/\.(?=[\w-]{43}\.)|\.(?=[0-9a-f]{64}$)/)
  const other = (text: string) => `${text.startsWith('1') ? '2' : '1'}${text.slice(1)}`
  await refused(birch, 2, /begins with cf1/, 'cf2.nothing')
  await refused(birch, 2, /cut or changed/, token.slice(0, -1))
  await refused(birch, 2, /begins with cf1/, `${token}\u202e`)
  await refused(birch, 4, /does not know this invitation/, `${cf1}.${other(secret)}.${fingerprint}`)
  await refused(
    birch,
    4,
    /no host of the farm that this token names; nothing was said/,
    `${cf1}.${secret}.${other(fingerprint)}`,
  )
  await refused(birch, 7, /does not answer/, token.replace(':8443', ':9'))
  await refused(birch, 5, /has a host "ash" already/, token, '--name', 'ash')
  assert.equal((await birch.croft('join', token, '--name', 'Birch.example')).code, 2)
  await refused(birch, 4, /has no address 192\.0\.2\.1/, token, '--address', '192.0.2.1:8443')
  await refused(ash, 5, /this host is in farm "meadow"/, token)
  const short = await ash.json<MadeInvitation>('host', 'invite', '--expires', '1s')
  await birch.waitFor(() => Date.now() > Date.parse(short.expires))
  await refused(birch, 4, /invitation ended at/, short.token)
  const pki = pathOf(birch.stateDir, 'pki')
  mkdirSync(pki)
  await makeCa(birch, pathOf(pki, 'ca.pem'))
  await refused(birch, 4, /has the CA of another farm/, token)
  rmSync(pki, { recursive: true })
  const route = ['10.100.7.0/24', 'dev', 'up0']
  await birch.host({ file: 'ip', args: ['route', 'add', ...route] })
  await refused(birch, 4, /10\.100\.0\.0\/16 is taken here/, token)
  await birch.host({ file: 'ip', args: ['route', 'del', ...route] })
  assert.match(await birch.croftOk('join', token, '--dry-run'), /join\s+farm meadow/)
  assert.deepEqual(await namesOn(ash), ['ash'])
  assert.match(await ash.croftOk('status'), /store sqlite/)
  assert.ok(!existsSync(pathOf(birch.stateDir, 'joining.json')))
})

test('either daemon may die anywhere: the same word is typed again, and no half host is seen', async () => {
  await ash.croftOk('create', 'web', 'debian:12')
  const began = await startOf(ash, 'web')
  for (const [host, failpoint] of [
    [ash, 'storeImport.after'],
    [ash, 'storeLeft.after'],
    [birch, 'joinAdmitted.after'],
    [birch, 'joinRecords.after'],
    [birch, 'joinInstalled.after'],
  ] as const) {
    host.arm(failpoint)
    const said = await join(birch, token)
    assert.equal(said.code, 7, `${failpoint}\n${said.stderr}`)
    await host.daemonGone()
    await host.startDaemon()
    // What is written between two attempts is there after the last.
    await ash.croftOk('set', 'web', `label.after=${failpoint.toLowerCase()}`)
    const isIn = failpoint === 'joinRecords.after' || failpoint === 'joinInstalled.after'
    assert.deepEqual(await namesOn(ash), isIn ? ['ash', 'birch'] : ['ash'], failpoint)
  }
  const joined = await join(birch, token)
  assert.equal(joined.code, 0, `${joined.stderr}\n${birch.logTail(9)}\n${ash.logTail(9)}`)
  assert.match(joined.stdout, /birch is a host of farm meadow/)
  assert.ok(!existsSync(pathOf(birch.stateDir, 'joining.json')))
  assert.equal(await startOf(ash, 'web'), began, 'it ran on')
  assert.match(await birch.croftOk('show', 'web'), /after=joininstalled\.after/)
})

test('each host sees the same farm; a word is good for one host; after a restart all is as it was', async () => {
  const again = await join(cedar, token)
  assert.equal(again.code, 4)
  assert.match(again.stderr, /was used already, by the host "birch"/)
  await hosts.join(cedar)
  await ash.restartDaemon({ kill: 'SIGKILL' })
  for (const host of hosts.all) {
    await host.waitFor(async () => (await namesOn(host)).join() === 'ash,birch,cedar', 30_000, 'all hosts')
    assert.match(await host.croftOk('status'), /store etcd/)
  }
  const listed = await cedar.json<Host[]>('host', 'ls')
  assert.deepEqual(
    listed.map(({ number }) => number),
    [1, 2, 3],
  )
  await ash.croftOk('create', 'late', 'debian:12')
  assert.equal(await ash.inGuest('late', 'hostname'), 'late')
})

test('an empty host leaves, and may come again; a dead one is not believed', async () => {
  await ash.croftOk('create', 'stays', 'debian:12', '--host', 'ash', '--no-start')
  assert.match((await ash.croft('host', 'leave', 'ash', '-y')).stderr, /host ash has guests\n {2}→ croft host drain/)
  assert.equal((await ash.croft('host', 'declare-dead', 'cedar', '-y')).code, 4)
  cedar.arm('leaveRecords.after')
  assert.equal((await cedar.croft('host', 'leave', '-y')).code, 7)
  await cedar.daemonGone()
  await cedar.startDaemon()
  await cedar.waitFor(async () => /no farm yet/.test((await cedar.croft('ls')).stderr), 30_000, 'no farm')
  assert.deepEqual(await namesOn(ash), ['ash', 'birch'])
  assert.ok(!existsSync(pathOf(cedar.stateDir, 'pki', 'ca.pem')), 'it keeps no key of the farm')
  await hosts.join(cedar)
  assert.deepEqual(await namesOn(cedar), ['ash', 'birch', 'cedar'])
  await cedar.croftOk('host', 'leave', '-y')
  assert.deepEqual(await namesOn(birch), ['ash', 'birch'])
  await birch.stopDaemon('SIGKILL')
  await ash.waitFor(
    async () => (await ash.croft('host', 'declare-dead', 'birch', '-y')).code === 0,
    60_000,
    'that birch counts as away',
  )
  const dead = (await ash.json<Host[]>('host', 'ls')).find(({ name }) => name === 'birch')
  assert.equal(dead?.state, 'dead')
  await birch.startDaemon()
  assert.match((await birch.croft('ls')).stderr, /this host was declared dead at/)
})
