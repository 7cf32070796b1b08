/** The table of failpoints in docs/design/host-loop.md is that of the code. */
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test } from 'node:test'

const root = resolve(import.meta.dirname, '../../..')
const textOf = (file: string): string => readFileSync(join(root, file), 'utf8')

test('every named failpoint is in the table, and no other', () => {
  const steps = [...textOf('src/plan/guest.ts').matchAll(/^ {2}\| \{ readonly do: '(\w+)'/gm)].map(([, name]) => name)
  const named = globSync(['src/daemon/{host,farm}/*.ts', 'src/daemon/certificates/**/*.ts'], { cwd: root }).flatMap(
    (file) => [...textOf(file).matchAll(/failpoint\('(\w+)\.(?:before|after)'\)/g)].map(([, name]) => name),
  )
  const told = [...textOf('docs/design/host-loop.md').matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name)
  assert.ok(steps.length > 15 && named.length > 3)
  assert.deepEqual(told.sort(), [...new Set([...steps, ...named])].sort())
})

test('each step that a plan can have is told in guests.md or is plain from its name in the table', () => {
  const told = `${textOf('docs/design/guests.md')}${textOf('docs/design/host-loop.md')}`
  for (const [, name] of textOf('src/plan/guest.ts').matchAll(/^ {2}\| \{ readonly do: '(\w+)'/gm))
    assert.ok(told.includes(String(name)), String(name))
})

test('every action of rollouts and sites is told as a place where a daemon may die', () => {
  const told = textOf('docs/design/rollouts.md')
  for (const [file, kind] of [
    ['src/plan/rollout.ts', 'rollout'],
    ['src/plan/site-run.ts', 'site'],
  ] as const) {
    const [, listed = ''] = new RegExp(`\`${kind}\\.ACTION\\.before\`, \`\\.after\` \\(([a-z, ]+)\\)`).exec(told) ?? []
    const actions = [...textOf(file).matchAll(/^ {2}\| \{ readonly do: '(\w+)'/gm)].map(([, name]) => name)
    assert.deepEqual(listed.split(', ').sort(), actions.filter((name) => name !== 'wait').sort())
  }
})
