/** exec, shell, push and pull through the daemon: a laptop on the farm's loopback that has logged in, and has no root here. */
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { after, before, test } from 'node:test'
import type { Outcome } from '../../src/drivers/exec/command.ts'
import { createTestFarm } from './farm.ts'
import { loginFrom } from './laptop.ts'

const farm = await createTestFarm({ init: ['--listen', ':8443'] })
after(() => farm.dispose({}))

const mine = await loginFrom(farm, 'lark')
const far = (...words: string[]): Promise<Outcome> => farm.croftWith({ env: mine.env, timeoutMs: 60_000 }, ...words)
const exec = (...command: string[]): Promise<Outcome> => far('exec', 'web', '--', ...command)
before(() => farm.croftOk('create', 'web', 'debian:12'))

const runs = async (...words: string[]): Promise<boolean> =>
  (await farm.croft('exec', 'web', '--', 'pgrep', '-xf', words.join(' '))).code === 0

function assertSaid({ stderr, code }: Outcome, exit: number, what: RegExp): void {
  assert.match(stderr, what)
  assert.equal(code, exit, stderr)
}

test('output, errors and exit codes are those of the command', async () => {
  const said = await exec('sh', '-c', 'echo out; echo err >&2; exit 7')
  assert.deepEqual([said.stdout, said.stderr, said.code], ['out\n', 'err\n', 7])
  assert.equal((await exec('no-such-command')).code, 127)
  assert.equal((await exec('/etc/passwd')).code, 126)
  assert.equal((await exec('sh', '-c', 'kill -9 $$')).code, 137)
  assert.equal((await far('exec', 'web', '-e', 'A=x y', '--', 'sh', '-c', 'echo "$A"')).stdout, 'x y\n')
  assert.equal(
    (await far('exec', 'web', '--user', 'nobody', '--cwd', '/tmp', '--', 'sh', '-c', 'id -un; pwd')).stdout,
    'nobody\n/tmp\n',
  )
  assert.equal(
    (await farm.croftWith({ env: mine.env, stdin: 'echo typed; exit 3\n' }, 'shell', 'web')).stdout,
    'typed\n',
  )
  await farm.inGuest('web', 'logger', '--tag', 'tale', 'heard from afar')
  await farm.waitFor(async () => /heard from afar/.test((await far('logs', 'web', '--grep', 'afar')).stdout))
  assertSaid(await far('exec', 'ghost', '--', 'true'), 125, /no guest "ghost"/)
  assert.match(await readFile(farm.logFile, 'utf8'), /"by":"token:lark","guest":"web","command":\["no-such-command"\]/)
})

test('20 MB of anything go in and come back as they were', async () => {
  const bytes = randomBytes(20 * 1024 ** 2)
  const child = mine.begin('exec', 'web', '--', 'cat')
  child.stdin.end(bytes)
  const hash = (what: Buffer) => createHash('sha256').update(what).digest('hex')
  assert.equal(hash(await buffer(child.stdout)), hash(bytes))
})

test('files go in and out, of a guest that runs and of one that is stopped', async () => {
  const file = join(mine.home, 'sent')
  const bytes = randomBytes(300_000)
  await writeFile(file, bytes)
  const there = async (): Promise<void> => {
    const pushed = await far('push', file, 'web:/root/sent')
    assert.equal(pushed.code, 0, pushed.stderr)
    const pulled = await far('pull', 'web:/root/sent', `${file}.back`)
    assert.equal(pulled.code, 0, pulled.stderr)
    assert.ok((await readFile(`${file}.back`)).equals(bytes))
    await rm(`${file}.back`)
  }
  await there()
  await farm.croftOk('stop', 'web')
  await there()
  assertSaid(await exec('true'), 125, /not running/)
  await farm.croftOk('start', 'web')
})

test('who goes away, or asks it to end, ends the command', async () => {
  const killed = mine.begin('exec', 'web', '--', 'sh', '-c', 'sleep 5432; true')
  await farm.waitFor(() => runs('sleep', '5432'), 30_000)
  killed.kill('SIGKILL')
  await farm.waitFor(async () => !(await runs('sleep', '5432')), 30_000)
  const asked = mine.begin('exec', 'web', '--', 'sleep', '6543')
  const code = new Promise((resolve) => asked.once('exit', resolve))
  await farm.waitFor(() => runs('sleep', '6543'), 30_000)
  asked.kill('SIGTERM')
  assert.equal(await code, 143)
})

test('a reader may not; a token that is removed ends its sessions', async () => {
  const reader = await loginFrom(farm, 'finch', '--role', 'reader')
  assertSaid(
    await farm.croftWith({ env: reader.env }, 'exec', 'web', '--', 'true'),
    125,
    /\(reader\) may not use a guest/,
  )
  const wren = await loginFrom(farm, 'wren')
  const session = wren.begin('exec', 'web', '--', 'sleep', '7654')
  const said = buffer(session.stderr)
  const code = new Promise((resolve) => session.once('exit', resolve))
  await farm.waitFor(() => runs('sleep', '7654'), 30_000)
  await farm.croftOk('token', 'rm', 'wren', '-y')
  assert.match(String(await said), /the session is over/)
  assert.equal(await code, 125)
  await farm.waitFor(async () => !(await runs('sleep', '7654')), 30_000)
})

test('a slow reader holds the guest, not the memory of the daemon; its end is told, and the guest runs on', async () => {
  const resident = async () =>
    Number(/VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${farm.daemonPid}/status`, 'utf8'))?.[1]) / 1024
  const start = await resident()
  const slow = mine.begin('exec', 'web', '--', 'cat', '/dev/zero')
  slow.stdout.pause()
  const said = buffer(slow.stderr)
  await farm.waitFor(() => runs('cat', '/dev/zero'), 30_000)
  await exec('true')
  assert.ok((await resident()) - start < 60, 'bounded')
  const stopped = farm.stopDaemon()
  slow.stdout.resume()
  assert.match(String(await said), /the session is over/)
  await stopped
  await farm.startDaemon()
  assert.equal(await runs('cat', '/dev/zero'), false)
  assert.equal((await exec('true')).code, 0)
})
