/** The arrows between the folders of the command line: one way each, so that each can be read alone. */
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { test } from 'node:test'

const root = join(import.meta.dirname, '../../../src/cli')

/** What each may import at run time beside itself and the contracts at the top. */
const arrows: Readonly<Record<string, readonly string[]>> = {
  words: [],
  wire: [],
  screen: ['words'],
  process: ['words', 'wire'],
  work: ['words', 'wire', 'screen'],
  files: ['words', 'wire', 'screen', 'process', 'work'],
  commands: ['words', 'wire', 'screen', 'process', 'work', 'files', 'table.ts'],
  table: ['commands'],
}
const contracts = ['answer.ts', 'command.ts', 'context.ts', 'io.ts']

const folderOf = (file: string): string => file.split('/')[0] ?? ''

function importsOf(file: string): { readonly what: string; readonly typeOnly: boolean }[] {
  const text = readFileSync(join(root, file), 'utf8')
  const found = text.matchAll(/^(?:import|export) (type )?[^'";]*?from '(\.[^']+)'|\bimport\('(\.[^']+)'\)/gms)
  return [...found]
    .map(([, type, eager, lazy]) => ({ what: join(dirname(file), eager ?? lazy ?? ''), typeOnly: type !== undefined }))
    .filter(({ what }) => !relative('.', what).startsWith('..'))
}

const files = globSync('**/*.ts', { cwd: root }).sort()

test('every folder of the command line has its arrows', () => {
  const folders = new Set(files.filter((file) => file.includes('/')).map(folderOf))
  assert.deepEqual([...folders].sort(), Object.keys(arrows).sort())
})

for (const [folder, may] of Object.entries(arrows)) {
  test(`cli/${folder} imports ${may.length === 0 ? 'no other folder' : 'its own kind alone'}`, () => {
    const inside = files.filter((file) => folderOf(file) === folder)
    const wrong = inside.flatMap((file) =>
      importsOf(file)
        .filter(({ what }) => !contracts.includes(what))
        .filter(({ what }) => ![folder, ...may].includes(folderOf(what)))
        .map(({ what }) => `${file} imports ${what}`),
    )
    assert.deepEqual(wrong, [])
  })
}

test('the contracts at the top need no folder but to start something rare', () => {
  const wrong = contracts.flatMap((file) =>
    importsOf(file)
      .filter(({ what, typeOnly }) => !typeOnly && what.includes('/') && file !== 'io.ts')
      .map(({ what }) => `${file} imports ${what}`),
  )
  assert.deepEqual(wrong, [])
})
