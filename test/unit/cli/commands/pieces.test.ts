import assert from 'node:assert/strict'
import { test } from 'node:test'
import { keyLines } from '../../../../src/cli/commands/croft/init.ts'
import { added, ago, oldestFirst } from '../../../../src/cli/commands/guest/logs.ts'
import {
  differences,
  parseSettings,
  settingsOf,
  settingsText,
} from '../../../../src/cli/commands/guest/settings-text.ts'
import { percentBetween } from '../../../../src/cli/commands/guest/top.ts'
import { parseRule } from '../../../../src/cli/words/rules.ts'
import { guest } from '../fake-daemon.ts'

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

test('use between two looks; a restart in between tells nothing', () => {
  const seen = (second: number, cpuSeconds: number | null) => ({
    ...{ name: 'web', at: `2026-01-01T00:00:0${second}.000Z`, cpuSeconds },
  })
  assert.equal(percentBetween([seen(0, 1)], seen(1, 1.5)), 50)
  for (const before of [[seen(0, 9)], [seen(0, null)], [seen(1, 1)], []])
    assert.equal(percentBetween(before, seen(1, 1)), null)
})

test('what journalctl showed newest first is shown oldest first, entries whole', () => {
  assert.deepEqual(oldestFirst([]), [])
  assert.deepEqual(oldestFirst(['3 c', '  more of c', '2 b', '1 a', '\tand of a']), [
    ...['1 a', '\tand of a', '2 b', '3 c', '  more of c'],
  ])
})

test('so long ago is said as anywhere else; what journalctl knows stays', () => {
  assert.deepEqual(['5m', '36h', '-5m', 'yesterday', '2026-01-02 03:04'].map(ago), [
    ...['-5m', '-36h', '-5m', 'yesterday', '2026-01-02 03:04'],
  ])
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
