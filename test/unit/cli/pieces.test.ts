import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { insideProgram } from '../../../src/cli/attach.ts'
import { inParallel } from '../../../src/cli/bulk.ts'
import { childrenOf, parentOf } from '../../../src/cli/children.ts'
import { keyLines } from '../../../src/cli/commands/croft/init.ts'
import { added } from '../../../src/cli/commands/guest/logs.ts'
import { parseRule } from '../../../src/cli/commands/guest/rules.ts'
import { differences, parseSettings, settingsOf, settingsText } from '../../../src/cli/commands/guest/settings-text.ts'
import { percentBetween } from '../../../src/cli/commands/guest/top.ts'
import { findExternal } from '../../../src/cli/external.ts'
import { globMatches, parsePoint } from '../../../src/cli/point.ts'
import { parsePort, parsePortRef, portText } from '../../../src/cli/ports.ts'
import { foldedLine, freshLines, liveText } from '../../../src/cli/progress.ts'
import { runAttached, runPiped } from '../../../src/cli/spawn.ts'
import { distance, nearest } from '../../../src/cli/suggest.ts'
import { parseLabel } from '../../../src/cli/targets.ts'
import { guest, operation } from './fake-daemon.ts'

test('one way to point at a thing', () => {
  const shapes: readonly [word: string, kind: string][] = [
    ['web', 'guest'],
    ['web@monday', 'snapshot'],
    ['web:/etc/hosts', 'file'],
    ['debian:12', 'template'],
    ['web*', 'glob'],
    ['shop/prod', 'site'],
    ['shop/prod/2', 'instance'],
  ]
  for (const [word, kind] of shapes) assert.equal(parsePoint(word).kind, kind, word)
})

test('globs match as their plain translation does', () => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 8 })
  const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?'), maxLength: 6 })
  fc.assert(
    fc.property(pattern, letters, (glob, name) => {
      const plain = new RegExp(`^${glob.replaceAll('*', '.*').replaceAll('?', '.')}$`)
      assert.equal(globMatches(glob, name), plain.test(name), `${glob} ${name}`)
    }),
  )
})

test('suggestions: near, and not too far', () => {
  assert.equal(distance('strat', 'start'), 1)
  assert.equal(nearest('strat', ['stop', 'start', 'status']), 'start')
  assert.equal(nearest('xyzzy', ['stop', 'start']), undefined)
  assert.equal(nearest('temp', ['template', 'top']), 'template')
})

test('labels', () => {
  const labels = { owner: 'lark', tier: '' }
  const all: readonly [text: string, matches: boolean][] = [
    ['owner=lark', true],
    ['owner=wren', false],
    ['owner!=wren', true],
    ['owner', true],
    ['tier=', true],
    ['gone', false],
    ['toString', false],
  ]
  for (const [text, matches] of all) assert.equal(parseLabel(text).matches(labels), matches, text)
  assert.throws(() => parseLabel('=x'))
})

test('ports there and back', () => {
  for (const text of ['8080:80/tcp', '53:5353/udp', '203.0.113.7:8080:80/tcp', '[2001:db8::1]:53:53/udp']) {
    assert.equal(portText(parsePort(text)), text)
  }
  assert.deepEqual(parsePortRef('53/udp'), { protocol: 'udp', hostPort: 53 })
  assert.deepEqual(parsePortRef('8080:80'), { protocol: 'tcp', hostPort: 8080 })
  for (const bad of ['', '80', 'a:b', '8080:80/icmp', '1:2:3:4']) assert.throws(() => parsePort(bad), bad)
})

test('rules', () => {
  assert.deepEqual(parseRule(['to', 'any']), { direction: 'out', peer: 'any', service: 'any' })
  for (const bad of [[], ['from'], ['db', 'tcp/1'], ['from', 'db', 'tcp/1', 'x']]) assert.throws(() => parseRule(bad))
})

test('settings as text and back are no change', () => {
  const settings = settingsOf(guest('web', { labels: { owner: 'lark' } }))
  const text = settingsText('web', settings)
  assert.match(text, /"memory": "1G"/)
  assert.deepEqual(differences(settings, parseSettings(text)), {})
  const after = { ...parseSettings(text), labels: {}, memory: null, cpu: 2 }
  assert.deepEqual(differences(settings, after), { labels: { owner: null }, memory: null, cpu: 2 })
})

test('entering: what is set goes before the daemon’s --, the words behind it', () => {
  const how = { file: 'lxc-attach', args: ['-n', '1', '--clear-env', '--'] }
  const program = insideProgram(how, { command: ['echo', '--', '-v'], env: { A: 'x y' } })
  assert.deepEqual(program.args, ['-n', '1', '--clear-env', '-v', 'A=x y', '--', 'echo', '--', '-v'])
  assert.deepEqual(insideProgram(how, { command: [], env: {} }).args, ['-n', '1', '--clear-env'])
})

/** Stands in for lxc-attach: a process whose child is the command. */
const standIn = (child: string) => ({
  file: process.execPath,
  args: [
    '-e',
    `const c = require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(child)}], { stdio: 'inherit' })
     c.once('exit', (code) => process.exit(code))
     process.on('SIGTERM', () => {})`,
  ],
  env: {},
})

test('a signal goes to the command inside, and its exit code comes back', async () => {
  const said: string[] = []
  const code = await runPiped(
    standIn(
      `process.on('SIGTERM', () => { console.log('got'); process.exit(9) }); setInterval(() => {}, 1000); console.log('up')`,
    ),
    {
      onLine(line) {
        said.push(line)
        if (line === 'up') process.emit('SIGTERM', 'SIGTERM')
      },
    },
  )
  assert.deepEqual([code, said], [9, ['up', 'got']])
})

test('exit codes: its own, 128 and the signal, a missing tool', async () => {
  assert.equal(await runAttached({ file: process.execPath, args: ['-e', 'process.exit(3)'], env: {} }), 3)
  const killed = { file: process.execPath, args: ['-e', 'process.kill(process.pid, "SIGKILL")'], env: {} }
  assert.equal(await runAttached(killed), 137)
  await assert.rejects(runAttached({ file: '/nonexistent/tool', args: [], env: {} }), /not installed/)
})

test('children are found from the list and from all processes', async () => {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'])
  try {
    assert.ok(childrenOf(process.pid).includes(child.pid ?? 0))
  } finally {
    child.kill('SIGKILL')
    await new Promise((resolve) => child.once('exit', resolve))
  }
  assert.equal(parentOf('12 (a) b (c)) S 7 12 12 0'), 7)
  assert.equal(parentOf(''), undefined)
})

test('programs on PATH: absolute folders, plain words, executable files', () => {
  const folder = mkdtempSync(join(tmpdir(), 'croft-path-'))
  try {
    const file = join(folder, 'croft-hello')
    writeFileSync(file, '')
    assert.equal(findExternal('hello', folder), undefined)
    chmodSync(file, 0o755)
    assert.equal(findExternal('hello', `/nonexistent::relative:${folder}`), file)
    assert.equal(findExternal('hello', '.:'), undefined)
    assert.equal(findExternal('../hello', folder), undefined)
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('several at a time: in order, never more than the limit', async () => {
  let busy = 0
  let most = 0
  const results = await inParallel([1, 2, 3, 4, 5, 6, 7], 3, async (value) => {
    most = Math.max(most, ++busy)
    await new Promise((resolve) => setImmediate(resolve))
    busy -= 1
    return value * 2
  })
  assert.deepEqual([results, most], [[2, 4, 6, 8, 10, 12, 14], 3])
  assert.deepEqual(await inParallel([], 3, async () => 1), [])
})

test('a log that drops its beginning still shows each line once', () => {
  assert.deepEqual(freshLines([], ['a', 'b']), ['a', 'b'])
  assert.deepEqual(freshLines(['a', 'b'], ['a', 'b']), [])
  assert.deepEqual(freshLines(['a', 'b', 'c'], ['b', 'c', 'd']), ['d'])
  assert.deepEqual(freshLines(['a', 'b'], ['x', 'y']), ['x', 'y'])
})

test('the live line: time, share, rate, what is left', () => {
  const progress = { label: 'unpack', done: 30 * 1024 ** 2, total: 120 * 1024 ** 2, unit: 'bytes' }
  const text = liveText(operation({ verb: 'build', state: 'running', progress }), 10_000)
  assert.equal(text, 'build web  10s  unpack  25%  3 MB/s  30s left')
  const style = { colour: false, unicode: true, columns: undefined }
  assert.equal(foldedLine('! Docker is here', style), '  ! Docker is here')
  assert.equal(foldedLine('pool \u001b[2J', style), '  ✓ pool \\e[2J')
})

test('use between two looks; a restart in between tells nothing', () => {
  const seen = (second: number, cpuSeconds: number | null) => ({
    ...{ name: 'web', at: `2026-01-01T00:00:0${second}.000Z`, cpuSeconds },
  })
  assert.equal(percentBetween([seen(0, 1)], seen(1, 1.5)), 50)
  for (const before of [[seen(0, 9)], [seen(0, null)], [seen(1, 1)], []])
    assert.equal(percentBetween(before, seen(1, 1)), null)
})

test('new console text, whatever was cut from its beginning', () => {
  assert.equal(added('one\ntwo\n', 'one\ntwo\nthree\n'), 'three\n')
  assert.equal(added('one\ntwo\n', 'two\nthree\n'), 'two\nthree\n')
  const old = `${'x'.repeat(500)}end\n`
  assert.equal(added(old, `${old.slice(80)}more\n`), 'more\n')
})

test('keys: one a line, without remarks', () => {
  assert.deepEqual(keyLines('# mine\n\nssh-ed25519 AAAA me\n  ssh-rsa BBBB you \n'), [
    'ssh-ed25519 AAAA me',
    'ssh-rsa BBBB you',
  ])
})
