/** One list of Debian packages: what the doctor looks for is what the package depends on. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { tools } from '../../../src/daemon/doctor/tools.ts'

const text = readFileSync(new URL('../../../script/packages', import.meta.url), 'utf8')

test('every line is a purpose and a package', () => {
  for (const line of text.trimEnd().split('\n'))
    assert.match(line, /^(#.*|(run|more|build|test) [a-z0-9][a-z0-9.+-]+( \(>= [\w:.]+\))?)$/)
})

test('what croft runs with is installed with it', () => {
  const run = new Set([...text.matchAll(/^run (\S+)/gm)].map(([, name]) => name))
  for (const tool of tools) assert.ok(run.has(tool.package), `${tool.program} of ${tool.package}`)
})
