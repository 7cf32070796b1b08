/** The tour of the README, run in order: what it shows is what a farm prints, but for numbers and names of the moment. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { consoleOf, wordsOf } from '../console.ts'
import { useFarm } from './farm.ts'

const farm = await useFarm()
const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')

/** Times, sizes, counts, addresses, and what was not measured yet, are all one; so are the widths of columns. */
function shapeOf(lines: readonly string[]): string[] {
  return lines
    .filter((line) => !/^\d\d:\d\d:\d\dZ /.test(line))
    .map((line) =>
      line
        .replace(/(?<=\s)fd[0-9a-f]{2}:[0-9a-f:]+/g, '#')
        .replace(/(?<![\w:"])\d[\d.]*(?:\s?(?:s|m|h|d|B|KB|MB|GB|TB|%))?(?!\w)/g, '#')
        .replace(/(?<=\s)–(?=\s|$)/g, '#')
        .replace(/\s+/g, ' ')
        .trimEnd(),
    )
}

const linesOf = (text: string): string[] => text.split('\n').filter((line) => line !== '')

test('every command of the tour prints what the README shows', async () => {
  for (const { line, printed } of consoleOf(readme)) {
    const said = await farm.croft(...wordsOf(line).slice(1))
    const failure = printed.some((text) => text.startsWith('✗ '))
    assert.equal(said.code !== 0, failure, `${line}: exit ${said.code}\n${said.stderr}${said.stdout}`)
    assert.deepEqual(shapeOf([...linesOf(said.stdout), ...linesOf(said.stderr)]), shapeOf(printed), line)
  }
})

test('what to ask when something failed answers', async () => {
  await farm.croftOk('create', 'web', farm.template.manifest.ref, '--wait=stable')
  const [operation] = await farm.json<{ id: string }[]>('op', 'ls')
  const asked = readme.slice(readme.indexOf('## When something'), readme.indexOf('## More of it'))
  assert.notEqual(asked, '')
  for (const [, line = ''] of asked.matchAll(/^\| [^|]+ \| (`croft .*) \|$/gm)) {
    for (const [, command = ''] of line.matchAll(/`croft ([^`]+)`/g)) {
      const said = await farm.croft(...wordsOf(command.replace('ID', operation?.id ?? '')))
      assert.ok(said.code === 0 || (command === 'doctor' && said.code === 9), `${command}: ${said.stderr}`)
      assert.notEqual((said.stdout + said.stderr).trim(), '', command)
    }
  }
})
