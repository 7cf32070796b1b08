/** Documents say only what is so: links and paths exist, commands parse, generated pages are as the code makes them. */
import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { test } from 'node:test'
import { CroftError } from '../../src/api/errors.ts'
import { commandName } from '../../src/cli/command.ts'
import { commands } from '../../src/cli/table.ts'
import { parse } from '../../src/cli/words/parse.ts'
import { reference } from '../../src/cli/words/reference.ts'
import { consoleOf, wordsOf } from '../console.ts'

const root = resolve(import.meta.dirname, '../..')
const read = (path: string): string => readFileSync(join(root, path), 'utf8')
const documents = ['README.md', 'CHANGELOG.md', ...globSync('docs/**/*.md', { cwd: root })].sort()
/** Measured, not written: script/bench --write makes it. */
const measured = 'docs/benchmarks.md'
/** In these a word in capitals stands for a name of the reader's. */
const withoutPlans = (text: string): string => text.split(/^## Where the later parts go$/m)[0] ?? ''

test('every link leads somewhere', () => {
  for (const document of documents) {
    for (const [, target = ''] of read(document).matchAll(/\]\((?!https?:)([^)\s]+)\)/g)) {
      const [path = '', anchor] = target.split('#')
      const file = path === '' ? document : join(dirname(document), path)
      if (file === measured) continue
      assert.ok(existsSync(join(root, file)), `${document} links to ${target}`)
      if (anchor !== undefined) assert.ok(anchorsOf(read(file)).has(anchor), `${document} links to ${target}`)
    }
  }
})

function anchorsOf(markdown: string): Set<string> {
  const headings = [...markdown.matchAll(/^#+ (.*)$/gm)].map(([, text = '']) => text.toLowerCase())
  return new Set(headings.map((text) => text.replace(/[^\p{L}\p{N}\- ]/gu, '').replaceAll(' ', '-')))
}

test('every path that a document names is there', () => {
  for (const document of documents.filter((name) => !name.startsWith('docs/checklists/'))) {
    const paths = withoutPlans(read(document)).matchAll(/`((?:src|test|script|docs|bench)\/[\w./-]*)[ `]/g)
    for (const [, path = ''] of paths) {
      if (/[A-Z]{4}/.test(path) || path === measured) continue
      assert.ok(existsSync(join(root, path)), `${document} names ${path}`)
    }
  }
})

/** Blocks of commands, and `croft …` in the text, where a word may be left out. */
function commandLines(markdown: string): string[] {
  const blocks = [...markdown.matchAll(/^```[a-z]*\n(.*?)^```$/gms)].flatMap(([, text = '']) => text.split('\n'))
  const inBlocks = blocks.map((line) => line.replace(/^[#$] /, '')).filter((line) => line.startsWith('croft '))
  const prose = markdown.replace(/^```.*?^```$/gms, '')
  const inline = [...prose.matchAll(/`(croft [^`]+)`/g)].map(([, line = '']) => line)
  return [...inBlocks, ...inline].filter((line) => !/…|[[|]|\bNOUN\b|\bVERB\b/.test(line))
}

test('every command that a document names parses', () => {
  let found = 0
  for (const document of documents) {
    for (const line of commandLines(read(document))) {
      found += 1
      assert.equal(complaint(line), undefined, `${document}: ${line}`)
    }
  }
  assert.ok(found > 150, `${found} commands`)
})

/** What is wrong with a line; a word that is left out is not. */
function complaint(line: string): string | undefined {
  try {
    const [, ...words] = wordsOf(line.replace(/\s+#.*$/, '').replace(/ > [\w.-]+$/, ''))
    const parsed = parse(commands, words)
    return parsed.kind === 'unknown' && words[0] !== 'NAME' ? parsed.error.message : undefined
  } catch (thrown) {
    assert.ok(thrown instanceof CroftError)
    return / is missing$/.test(thrown.message) ? undefined : thrown.message
  }
}

test('docs/cli.md is made from the table: script/fix', () => {
  assert.equal(read('docs/cli.md'), reference(commands))
  for (const row of commands) assert.ok(read('docs/cli.md').includes(`### ${commandName(row)}\n`), commandName(row))
})

test('the tour of the README shows ten commands and more', () => {
  const shown = consoleOf(read('README.md'))
  const used = new Set(
    shown.map(({ line }) => {
      const parsed = parse(commands, wordsOf(line).slice(1))
      assert.equal(parsed.kind, 'run', line)
      return parsed.kind === 'run' ? commandName(parsed.row) : ''
    }),
  )
  assert.ok(used.size >= 10, [...used].join(' '))
})

test('the licence is there in full', () => {
  assert.match(read('LICENSE'), /Apache License\s+Version 2\.0.*END OF TERMS AND CONDITIONS/s)
})
