import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { eventKinds } from '../../../../src/api/events.ts'
import { findExternal, listExternals } from '../../../../src/cli/process/external.ts'
import { formats } from '../../../../src/cli/screen/render.ts'
import { commands } from '../../../../src/cli/table.ts'
import { complete } from '../../../../src/cli/words/complete.ts'
import { flagTable } from '../../../../src/cli/words/flags.ts'
import { croft, fakeDaemon, guest, operation } from '../fake-daemon.ts'

/** `croft set we` with the cursor at its end; a line that ends with a space begins a new word. */
const at = (line: string) => complete(commands, line.split(' '))
const words = (line: string): readonly string[] => at(line).words.map(({ word }) => word)
const kind = (line: string) => at(line).names?.kind

test('the first word is a verb or a noun, the second what the noun has', () => {
  for (const word of ['create', 'events', 'help', 'snapshot', 'op']) assert.ok(words('').includes(word), word)
  for (const hidden of ['daemon', 'host-prepare', 'host-shutdown', '__complete'])
    assert.ok(!words('').includes(hidden), hidden)
  assert.deepEqual(words('snapshot ').slice(0, 4), ['add', 'ls', 'restore', 'rm'])
  assert.ok(words('templates ').includes('build') && words('templates ').includes('history'))
  assert.ok(words('ls ').includes('template') && kind('ls ') === 'guest')
  assert.ok(words('help ').includes('create'))
})

test('what is made, or is a secret, is not completed', () => {
  for (const line of ['network create ', 'token add ', 'join ', 'login ']) assert.equal(kind(line), undefined, line)
})

test('names are asked for by what stands in their place', () => {
  const kinds = {
    'start ': 'guest',
    'start web ': 'guest',
    'show web@': 'snapshot',
    'clone web@m': 'snapshot',
    'snapshot restore ': 'snapshot',
    'snapshot add ': 'newSnapshot',
    'create web ': 'template',
    'template show ': 'template',
    'op wait ': 'op',
    'pool show ': 'pool',
    'network attach ': 'network',
    'network attach office ': 'guest',
    'create x debian:12 --network ': 'network',
    'token rm ': 'token',
    'cert show ': 'cert',
    'history ': 'guest',
    'history template ': 'template',
    'host show ': 'host',
    'set web size=': 'size',
    'exec ': 'guest',
    '--json show ': 'guest',
    'ls -o json ': 'guest',
    'restore ': 'snapshot',
    'push a ': 'guestPath',
    'pull ': 'guestPath',
    'build logs ': 'build',
    'release rm ': 'release',
    'rollback shop/prod ': 'version',
    'deploy shop/prod ': 'version',
    'config unset shop/prod ': 'configPath',
    'config set shop/prod ': 'configSetting',
    'secret rm shop/prod ': 'secret',
    'create x debian:12 --host ': 'host',
    'create x debian:12 --host=': 'host',
    'ls -l ': 'label',
    'ls --label=': 'label',
    'set web label.': 'labelKey',
  }
  for (const [line, expected] of Object.entries(kinds)) assert.equal(kind(line), expected, line)
  for (const line of ['create ', 'rename web ', 'template build ', 'status ', 'show web ', 'init '])
    assert.equal(kind(line), undefined, line)
})

test('flags, their values, settings and theirs', () => {
  assert.ok(words('ls --').includes('--sort') && !words('ls --').includes('--erase'))
  assert.ok(words('create web debian:12 --').includes('--dry-run'))
  assert.deepEqual(words('ls -o '), formats)
  assert.deepEqual(
    words('ls --output='),
    formats.map((format) => `--output=${format}`),
  )
  assert.deepEqual(words('events --kind '), eventKinds)
  assert.deepEqual([words('ls -l '), words('ls --sort ')], [[], []])
  for (const line of ['push ', 'push a ', 'pull web:/a ']) assert.equal(at(line).files, true, line)
  assert.equal(at('edit web -f ').files, true)
  assert.equal(at('logs web -f ').files, undefined, 'the same letter means another flag there')
  for (const setting of ['memory=', 'label.', 'autostart=']) assert.ok(words('set web ').includes(setting), setting)
  assert.deepEqual(words('set web autostart='), ['autostart=yes', 'autostart=no'])
  assert.deepEqual(words('set web memory='), [])
  assert.deepEqual(words('completion '), ['bash', 'zsh', 'fish'])
})

test('what is not croft’s is left to the shell; nothing that is typed throws', () => {
  for (const line of ['exec web ls ', 'exec web -- cat ', 'frob ']) assert.equal(at(line).files, true, line)
  const odd = ['--', '-', '=', '@', ':', '-o', '--output', '--nonsense', '', '*', '$(x)', '__proto__', 'constructor=']
  for (const first of [...odd, 'ls', 'snapshot', 'set', 'create', 'frob'])
    for (const second of [...odd, 'web']) for (const third of odd) complete(commands, [first, second, third])
})

test('the values of flags are those that the server and the printer take', () => {
  assert.deepEqual(flagTable.output.values, formats)
  assert.deepEqual(flagTable.kind.values, eventKinds)
})

test('__complete asks the daemon and answers words that a shell can take as they are', async () => {
  const labels = { owner: 'lark', bad: '$(x)' }
  await using daemon = await fakeDaemon(({ path }) => {
    if (path === '/v1/guests')
      return { value: [guest('web', { labels }), guest('wide', { labels }), guest('$(rm -rf)'), guest('a b')] }
    if (path === '/v1/operations') return { value: [operation()] }
    return undefined
  })
  const ask = async (...typed: string[]) =>
    (await croft(['__complete', '--', ...typed], { socketPath: daemon.socketPath })).out
  assert.equal(await ask('start', 'w'), 'web\trunning\nwide\trunning\n')
  assert.equal(await ask('start', 'web', 'w'), 'wide\trunning\n')
  assert.match(await ask('start', ''), /^web\trunning\nwide\trunning\nsite\n$/)
  assert.match(await ask('op', 'wait', ''), /^op1op1op1\tcreate web done\n$/)
  assert.equal(await ask('pull', ''), 'web:/\nwide:/\n')
  assert.equal(await ask('ls', '-l', ''), 'owner=lark\n')
  assert.equal(await ask('set', 'web', 'label.o'), 'label.owner=\n')
  assert.equal(await ask('template', 'show', ''), '', 'what the daemon refuses')
})

test('without a daemon, or one that hangs, there are the words of the table, and nothing is said', async () => {
  const { code, out, err } = await croft(['__complete', '--', 'set', 'web', 'm'])
  assert.deepEqual([code, out.split('\t')[0], err], [0, 'memory=', ''])
})

test('croft-NAME on the PATH is a word; what croft has is not shadowed, what cannot run is none', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'croft-path-'))
  try {
    for (const name of ['croft-hello', 'croft-ls', 'croft-guests', 'croft-Bad', 'croft-no', 'other'])
      writeFileSync(join(folder, name), '#!/bin/sh\n', { mode: name === 'croft-no' ? 0o644 : 0o755 })
    chmodSync(folder, 0o755)
    const env = { PATH: `${folder}:relative:/nonexistent:${folder}` }
    assert.deepEqual(listExternals(commands, env.PATH), ['hello'])
    assert.equal(findExternal('hello', env.PATH), join(folder, 'croft-hello'))
    assert.match((await croft(['help'], { env })).out, /from your PATH\n {2}hello {2}croft-hello\n/)
    assert.match((await croft(['help', 'hello'], { env })).out, /croft hello --help/)
    assert.doesNotMatch((await croft(['help'])).out, /from your PATH/)
    assert.match((await croft(['__complete', '--', 'hel'], { env })).out, /^help\t.*\nhello\tcroft-hello\n$/)
  } finally {
    rmSync(folder, { recursive: true })
  }
})
