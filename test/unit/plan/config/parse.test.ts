import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CroftError } from '../../../../src/api/errors.ts'
import { tomlHelp } from '../../../../src/cli/words/help-toml.ts'
import { parseAppFile } from '../../../../src/plan/config/parse.ts'
import { sections } from '../../../../src/plan/config/paths.ts'

function refusal(text: string): string {
  try {
    parseAppFile(text)
  } catch (thrown) {
    assert.ok(thrown instanceof CroftError, String(thrown))
    assert.equal(thrown.code, 'BAD_VALUE')
    return thrown.message
  }
  assert.fail('it was taken')
}

test('what is wrong is told with file, line, column, and what was probably meant', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['[daemon.web]\nprot = 80', 'croft.toml:2:1: [daemon.web] has no "prot"; did you mean "port"?'],
    ['[dameon.web]', 'croft.toml:1:2: a croft.toml has no "dameon"; did you mean "daemon"?'],
    ['\n\n  [daemon.web]\n  port = 80000', 'croft.toml:4:10: daemon.web.port must be 1 to 65535'],
    ['[build]\nmemory = "lots"', 'croft.toml:2:10: build.memory "lots" is not a size like 512M or 2G'],
    ['[route]\nrate = "x"', 'croft.toml:2:8: route.rate "x" is not a rate like 50/s'],
    ['[daemon.web]\nhealth = { htp = "/" }', 'croft.toml:2:12: [daemon.web.health] has no "htp"; did you mean "http"?'],
    [
      '[daemon.web]\nhealth = { every = "5s" }',
      'croft.toml:2:10: daemon.web.health must be a path like "/up", "tcp", "none", or {http|tcp|exec, every, timeout, within}',
    ],
    ['[env]\n"a b" = 1', 'croft.toml:2:1: env.a b must be letters, digits and _, not beginning with a digit'],
    ['[daemon.web]\nport = \n\n[env]', 'croft.toml:2:7: the value behind = is missing'],
    ['[daemon.web]\nport = # none\nuser = "a"', 'croft.toml:2:7: the value behind = is missing'],
    ['[daemon.web]\nport =', 'croft.toml:2:7: the value behind = is missing'],
    ['[app', 'croft.toml:1:5: the ] is missing'],
    ['[app # it\nname = "x"', 'croft.toml:1:5: the ] is missing'],
    ['[app]\nname = leaflet', 'croft.toml:2:8: a text stands in quotes: "like this"'],
    ['[app]\nname = "leaflet\n', 'croft.toml:2:16: unterminated string constant'],
    ['a', 'croft.toml:1:2: expected equal (=) token'],
    ['a = 1\na = 2', 'croft.toml:2:1: defining a key multiple times is invalid'],
  ]
  for (const [text, message] of cases) assert.equal(refusal(text), message)
})

test('croft help toml names every section, and its example is read', () => {
  for (const name of Object.keys(sections)) assert.match(tomlHelp, new RegExp(`^  \\[${name}[\\].]`, 'm'))
  for (const [name, { fields }] of Object.entries(sections))
    for (const field of name === 'route' ? [] : Object.keys(fields))
      assert.match(tomlHelp, new RegExp(`\\b${field}\\b`))
  const example = tomlHelp.slice(tomlHelp.indexOf('example\n') + 8, tomlHelp.indexOf('All of it'))
  assert.equal(parseAppFile(example).daemon?.web?.port, 3000)
})

test('a text where a list is wanted is a list of one', () => {
  assert.deepEqual(parseAppFile('[build]\npackages = "busybox"').build?.packages, ['busybox'])
})

test('nothing is obeyed that a text holds', () => {
  const controls = ['\\n', '\\r', '\\u0000', '\\u2028', '\\u0085', '\\u001b[2J']
  const places = [
    '[daemon.web]\ncommand',
    '[daemon.web]\nunit.Nice',
    '[cron.a]\nschedule',
    '[daemon.web]\nhealth',
    '[app]\nroot',
    '[data.a]\npath',
  ]
  for (const place of places)
    for (const control of controls) assert.match(refusal(`${place} = "/a${control}b"`), /^croft\.toml:2:\d+: /)
  for (const control of controls.slice(1)) assert.match(refusal(`[env]\nA = "a${control}b"`), /control characters/)
  for (const name of ['__proto__', 'constructor', 'prototype']) {
    assert.match(refusal(`[env]\n${name} = "1"`), /cannot be a name/)
    assert.match(refusal(`[daemon.${name}]\ncommand = "a"`), /cannot be a name/)
    assert.match(refusal(`${name}.a = 1`), /cannot be a name/)
  }
  for (const deep of [
    `a = ${'['.repeat(30_000)}`,
    `a = ${'['.repeat(20)}${']'.repeat(20)}`,
    `${'a.'.repeat(30_000)}b = 1`,
    `a = ${'{ b = '.repeat(9_000)}`,
  ])
    assert.ok(refusal(deep).length < 300)
  assert.match(refusal(`a = "${'x'.repeat(70_000)}"`), /more than 64 KiB/)
  assert.equal(({} as Record<string, unknown>).a, undefined)
})
