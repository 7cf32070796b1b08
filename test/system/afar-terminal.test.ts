/** A terminal in a guest for somebody far away: what it shows, what it holds open, and how it ends. */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, before, test } from 'node:test'
import { createTestFarm } from './farm.ts'
import { loginFrom } from './laptop.ts'

const farm = await createTestFarm({ init: ['--listen', ':8443'] })
after(() => farm.dispose({}))
const mine = await loginFrom(farm, 'lark')
before(() => farm.croftOk('create', 'web', 'debian:12'))

const runs = async (...words: string[]): Promise<boolean> =>
  (await farm.croft('exec', 'web', '--', 'pgrep', '-xf', words.join(' '))).code === 0
const begins = (...words: string[]) => farm.waitFor(() => runs(...words), 60_000, `${words} runs`)
const ends = (...words: string[]) => farm.waitFor(async () => !(await runs(...words)), 60_000, `${words} ended`)
const residentMiB = async () =>
  Number(/VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${farm.daemonPid}/status`, 'utf8'))?.[1]) / 1024

test('its size, typing, Ctrl-C and the exit code', async () => {
  const shell = mine.onTerminal('shell', 'web')
  await shell.shows(/#/)
  shell.type('stty size\r')
  await shell.shows(/31 91/)
  shell.resize(101, 41)
  await farm.waitFor(() => {
    shell.type('stty size\r')
    return /41 101/.test(shell.said())
  }, 60_000)
  shell.type('sleep 4321\r')
  await begins('sleep', '4321')
  shell.type('\x03')
  await ends('sleep', '4321')
  shell.type('exit 23\r')
  assert.equal(await shell.exit, 23)
  const asked = mine.onTerminal('exec', '-t', 'web', '--', 'sh', '-c', 'tty; exit 4')
  assert.equal(await asked.exit, 4)
  assert.match(asked.said(), /\/dev\/pts\/\d+/)
})

test('of the host nothing is open in it, also while other terminals are', async () => {
  const other = mine.onTerminal('shell', 'web')
  await other.shows(/#/)
  const looks = mine.onTerminal(
    'exec',
    'web',
    '--',
    'sh',
    '-c',
    'ls -l /proc/$$/fd; stat -L -c "on %d" /dev/pts /dev/fd/0',
  )
  assert.equal(await looks.exit, 0)
  const open = [...looks.said().matchAll(/ (\d+) -> (\S+)/g)].map(([, fd, to]) => `${fd} ${to?.replace(/\d+$/, 'N')}`)
  assert.deepEqual(open, ['0 /dev/pts/N', '1 /dev/pts/N', '2 /dev/pts/N'])
  const [own, used] = [...looks.said().matchAll(/on (\d+)/g)].map(([, device]) => device)
  assert.equal(used, own, "the terminal is one of the guest's own")
  const piped = await farm.croftWith({ env: mine.env }, 'exec', 'web', '--', 'sh', '-c', 'ls -l /proc/$$/fd')
  assert.doesNotMatch(piped.stdout, /ptmx|pts/)
  other.type('exit\r')
  assert.equal(await other.exit, 0)
})

test('who goes away ends what runs there; so does the end of a token; a reader has no terminal', async () => {
  const killed = mine.onTerminal('exec', 'web', '--', 'sh', '-c', 'trap "" HUP; sleep 5432; true')
  await begins('sleep', '5432')
  process.kill(killed.pid, 'SIGKILL')
  await ends('sleep', '5432')
  const wren = await loginFrom(farm, 'wren')
  const session = wren.onTerminal('exec', 'web', '--', 'sleep', '7654')
  await begins('sleep', '7654')
  await farm.croftOk('token', 'rm', 'wren', '-y')
  assert.equal(await session.exit, 125)
  assert.match(session.said(), /the session is over/)
  await ends('sleep', '7654')
  const reader = (await loginFrom(farm, 'finch', '--role', 'reader')).onTerminal('shell', 'web')
  assert.equal(await reader.exit, 125)
  assert.match(reader.said(), /\(reader\) may not use a guest/)
})

test('neither a client that does not read nor a guest that does not take holds the daemon', async () => {
  const before = await residentMiB()
  const deaf = mine.onTerminal('exec', 'web', '--', 'cat', '/dev/zero')
  await begins('cat', '/dev/zero')
  process.kill(deaf.pid, 'SIGSTOP')
  const full = mine.onTerminal('exec', 'web', '--', 'sh', '-c', 'stty raw -echo; sleep 6789')
  await begins('sleep', '6789')
  full.type('x'.repeat(200_000))
  for (let asked = 0; asked < 5; asked++) assert.match(await farm.croftOk('ls'), /web/)
  assert.ok((await residentMiB()) - before < 60, 'bounded')
  for (const { pid } of [deaf, full]) process.kill(pid, 'SIGKILL')
  await Promise.all([ends('cat', '/dev/zero'), ends('sleep', '6789')])
})

test('an operator from afar gives no folder of the host to a guest', async () => {
  const said = await farm.croftWith({ env: mine.env }, 'mount', 'add', 'web', '/srv:/mnt', 'ro')
  assert.deepEqual([said.code, /by root on that host/.test(said.stderr)], [4, true], said.stderr)
})

test('its console asks for a login, and Ctrl-a q leaves it; without a terminal it is refused', async () => {
  await farm.waitFor(async () => (await farm.croft('exec', 'web', '--', 'pidof', 'agetty')).code === 0)
  const console = mine.onTerminal('console', 'web')
  await console.shows(/Ctrl\+a q/)
  console.type('\r')
  await console.shows(/web login:/)
  console.type('\u0001q')
  assert.equal(await console.exit, 0)
  const piped = await farm.croftWith({ env: mine.env }, 'console', 'web')
  assert.deepEqual([piped.code, /needs a terminal/.test(piped.stderr)], [2, true])
})

test('a hundred sizes at once end at the last', async () => {
  const shell = mine.onTerminal('shell', 'web')
  await shell.shows(/#/)
  for (let columns = 100; columns < 200; columns++) shell.resize(columns, 20)
  await farm.waitFor(() => {
    shell.type('stty size\r')
    return /20 199/.test(shell.said())
  }, 60_000)
  shell.type('exit\r')
  assert.equal(await shell.exit, 0)
})
