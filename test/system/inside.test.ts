/** Entering a guest by its console, as another user, with an editor; and reading what it has logged, with and without a journal. */
import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import pty from '@lydell/node-pty'
import { useFarm } from './farm.ts'
import { inside } from './places.ts'

const farm = await useFarm()
const here = mkdtempSync('/var/tmp/croft-inside-')
after(() => rmSync(here, { recursive: true, force: true }))
const entry = process.env.CROFT_ENTRY || new URL('../../src/cli/main.ts', import.meta.url).pathname

interface Terminal {
  readonly said: () => string
  readonly exit: Promise<number>
  type(text: string): void
}

function onTerminal(words: readonly string[], env: Record<string, string> = {}): Terminal {
  const { file, args } = inside(farm.namespaces.host, { file: process.execPath, args: [entry, ...words] })
  const options = { cols: 100, rows: 30, env: { ...farm.env(), TERM: 'xterm', ...env }, cwd: '/' }
  const terminal = pty.spawn(file, [...args], options)
  let said = ''
  terminal.onData((data) => {
    said += data
  })
  const exit = new Promise<number>((resolve) => terminal.onExit(({ exitCode }) => resolve(exitCode)))
  return { said: () => said, exit, type: (text) => terminal.write(text) }
}

test('the console asks for a login, and Ctrl-a q leaves it', async () => {
  await farm.croftOk('create', 'web', 'debian:12')
  await farm.waitFor(async () => (await farm.croft('exec', 'web', '--', 'pidof', 'agetty')).code === 0)
  const terminal = onTerminal(['console', 'web'])
  await farm.waitFor(() => /Ctrl\+a q/.test(terminal.said()), 30_000, 'the way out')
  terminal.type('\r')
  await farm.waitFor(() => /web login:/.test(terminal.said()), 30_000, 'the login')
  terminal.type('\u0001q')
  assert.equal(await terminal.exit, 0)
  await farm.inGuest('web', 'systemctl', 'stop', 'console-getty')
  const silent = onTerminal(['console', 'web'])
  await farm.waitFor(() => /systemctl start console-getty[\s\S]*Ctrl\+a q/.test(silent.said()), 30_000, 'what to do')
  silent.type('\u0001q')
  assert.equal(await silent.exit, 0)
  const piped = await farm.croft('console', 'web')
  assert.deepEqual([piped.code, /needs a terminal/.test(piped.stderr)], [2, true])
  await farm.croftOk('stop', 'web')
  const stopped = onTerminal(['console', 'web'])
  assert.equal(await stopped.exit, 5)
  assert.match(stopped.said(), /not running/)
})

test('an edited file keeps mode and owner; what was not changed is not written; a change meanwhile is told', async () => {
  await farm.croftOk('create', 'web', 'debian:12')
  await farm.inGuest('web', 'sh', '-c', 'echo one >/srv/conf; chmod 640 /srv/conf; chown 33:34 /srv/conf')
  const editor = (name: string, text: string): string => {
    writeFileSync(join(here, name), `#!/bin/sh\n${text}\n`)
    chmodSync(join(here, name), 0o755)
    return join(here, name)
  }
  const edit = async (path: string, EDITOR: string): Promise<[number, string]> => {
    const terminal = onTerminal(['edit', `web:${path}`], { EDITOR })
    return [await terminal.exit, terminal.said()]
  }
  const append = editor('append', 'echo two >>"$1"')
  const inode = await farm.inGuest('web', 'stat', '-c', '%i', '/srv/conf')
  assert.deepEqual((await edit('/srv/conf', editor('leave', 'true')))[0], 0)
  assert.equal(await farm.inGuest('web', 'stat', '-c', '%i', '/srv/conf'), inode)
  assert.deepEqual((await edit('/srv/conf', append))[0], 0)
  assert.equal(await farm.inGuest('web', 'cat', '/srv/conf'), 'one\ntwo')
  assert.equal(await farm.inGuest('web', 'stat', '-c', '%a %u %g', '/srv/conf'), '640 33 34')
  const words = farm.env()
  const meddle = `nsenter --net=/run/netns/${farm.namespaces.host} -- ${process.execPath} ${entry} exec web -- sh -c "echo three >>/srv/conf"`
  const rival = editor('rival', `CROFT_SOCKET=${words.CROFT_SOCKET} ${meddle} </dev/null; echo mine >>"$1"`)
  const [code, said] = await edit('/srv/conf', rival)
  assert.equal(code, 5, said)
  const [, kept = ''] = /kept in (\S+)/.exec(said) ?? []
  assert.match(kept, /croft-kept-/)
  rmSync(join(kept, '..'), { recursive: true })
  assert.equal(await farm.inGuest('web', 'cat', '/srv/conf'), 'one\ntwo\nthree')
  assert.equal((await edit('/srv', append))[0], 4)
  await farm.croftOk('stop', 'web')
  assert.deepEqual((await edit('/srv/new', append))[0], 0)
  assert.equal(await farm.croftOk('pull', 'web:/srv/new', '-'), 'two\n')
})

test('exec as a user, in a folder; logs of a unit, by a pattern, without a journal, of a stopped guest', async () => {
  await farm.croftOk('create', 'web', 'debian:12')
  const exec = (...words: string[]) => farm.croft('exec', 'web', ...words)
  const asWww = await exec('--user', 'www-data', '--cwd', '/srv', '--', 'sh', '-c', 'echo $(id -u) $(id -g) $HOME; pwd')
  assert.equal(asWww.stdout, '33 33 /var/www\n/srv\n')
  assert.equal((await exec('-u', '1234', '--', 'id', '-u')).stdout, '1234\n')
  for (const [user, code] of [
    ['nobody-there', 125],
    ['70000', 125],
    ['-1', 125],
  ] as const)
    assert.equal((await exec(`--user=${user}`, '--', 'id')).code, code, user)
  assert.equal((await exec('--cwd', '/nowhere', '--', 'id')).code, 125)
  assert.equal((await exec('--cwd', '/srv', '--', 'sh', '-c', 'exit 7')).code, 7)
  await farm.inGuest(
    'web',
    'sh',
    '-c',
    'systemd-cat -t apple echo red; systemd-cat -t pear echo green; journalctl --sync',
  )
  const grep = await farm.croftOk('logs', 'web', '--grep', 'gre{2}n', '-n', '5')
  assert.match(grep, /green/)
  assert.doesNotMatch(grep, /red/)
  await farm.inGuest(
    'web',
    'sh',
    '-c',
    'for i in 1 2 3; do echo kiwi $i | systemd-cat -t kiwi; done; journalctl --sync',
  )
  const last = await farm.croftOk('logs', 'web', '--grep', 'kiwi \\d', '-n', '2')
  assert.deepEqual(last.match(/kiwi \d/g), ['kiwi 2', 'kiwi 3'], 'the last ones, oldest first')
  assert.equal(await farm.croftOk('logs', 'web', '--grep', 'no such line at all'), '')
  assert.doesNotMatch(await farm.croftOk('logs', 'web', '--unit', 'ssh'), /green/)
  await farm.croftOk('restart', 'web')
  await farm.waitFor(async () => (await farm.croft('logs', 'web', '--boot', '-n', '1')).stdout !== '')
  assert.equal(await farm.croftOk('logs', 'web', '--boot', '--grep', 'green'), '')
  assert.match(await farm.croftOk('logs', 'web', '--boot=-1', '--grep', 'green', '-n', '5'), /green/)
  const unknown = await farm.croft('logs', 'web', '--boot=-7')
  assert.deepEqual([unknown.code, /has no such start/.test(unknown.stderr)], [3, true], unknown.stderr)
  for (const words of [['--boot=x'], ['--boot=-1', '-f'], ['--boot=-1', '--console']])
    assert.equal((await farm.croft('logs', 'web', ...words)).code, 2, words.join(' '))
  await farm.inGuest(
    'web',
    'sh',
    '-c',
    'mv /bin/journalctl /root; printf "plain one\\nplain two\\n" >/var/log/messages',
  )
  assert.equal(await farm.croftOk('logs', 'web', '-n', '1'), 'plain two\n')
  assert.equal(await farm.croftOk('logs', 'web', '--grep', 'ONE'), '')
  assert.equal(await farm.croftOk('logs', 'web', '--grep', 'one'), 'plain one\n')
  assert.equal((await farm.croft('logs', 'web', '--unit', 'ssh')).code, 2)
  assert.equal((await farm.croft('logs', 'web', '--console', '--grep', '(')).code, 2)
  const since = await farm.croft('logs', 'web', '--boot')
  assert.match(since.stderr, /keeps no journal; this is its console/)
  const welcomes = (text: string) => text.match(/Welcome to/g)?.length
  assert.deepEqual([welcomes(since.stdout), welcomes(await farm.croftOk('logs', 'web', '--console'))], [1, 2])
  assert.equal((await farm.croft('logs', 'web', '--boot=-1')).code, 2)
  await farm.croftOk('stop', 'web')
  const stopped = await farm.croft('logs', 'web')
  assert.equal(stopped.code, 0)
  assert.match(stopped.stderr, /does not run; this is what its console kept/)
})
