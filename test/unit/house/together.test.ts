/** Tests of units share one process (script/together): what one file asks for each of its tests must be for its own alone. */
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test } from 'node:test'

const root = resolve(import.meta.dirname, '../../..')

test('beforeEach and afterEach stand in a describe', () => {
  const files = globSync(['test/unit/**/*.test.ts', 'test/sim/**/*.test.ts'], { cwd: root })
  assert.ok(files.length > 100)
  const open = files.filter((file) => /^(before|after)Each\(/m.test(readFileSync(join(root, file), 'utf8')))
  assert.deepEqual(open, [])
})
