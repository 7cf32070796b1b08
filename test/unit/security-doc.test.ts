import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test } from 'node:test'

const root = resolve(import.meta.dirname, '../..')
const read = (path: string) => readFileSync(join(root, path), 'utf8')

test('every test that docs/design/security.md names is there', () => {
  const named = [...read('docs/design/security.md').matchAll(/(test\/[\w./-]+\.ts) (?:'([^']+)'|"([^"]+)")/g)]
  assert.ok(named.length > 30)
  for (const [, file = '', single, double] of named) {
    const name = single ?? double ?? ''
    assert.ok(existsSync(join(root, file)), file)
    assert.ok(read(file).includes(name), `${file} has no test '${name}'`)
  }
})

test('every file that a checklist names is there', () => {
  const examples = /zone|lvm|ruby|NOUN|NAME/
  for (const list of readdirSync(join(root, 'docs/checklists'))) {
    for (const [, path = ''] of read(`docs/checklists/${list}`).matchAll(/`((?:src|test|script)\/[\w./-]+)`/g)) {
      if (!examples.test(path)) assert.ok(existsSync(join(root, path)), `${list}: ${path}`)
    }
  }
})
