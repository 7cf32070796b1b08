/** What guides for people, and sites, that come from elsewhere tell: every command does what it says it does. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { consoleOf, wordsOf } from '../console.ts'
import { useFarm } from './farm.ts'

const farm = await useFarm()
const folder = new URL('../../docs/guides/', import.meta.url)

for (const file of readdirSync(folder).filter((name) => /^(from|moving)-/.test(name))) {
  test(`${file}: its commands run in order`, async () => {
    const commands = consoleOf(readFileSync(new URL(file, folder), 'utf8'))
    assert.ok(commands.length >= 5)
    for (const { line } of commands) {
      const said = await farm.croft(...wordsOf(line).slice(1))
      assert.equal(said.code, 0, `${line}: ${said.stderr}`)
    }
    for (const { name } of await farm.json<{ name: string }[]>('route', 'ls')) await farm.croftOk('route', 'rm', name)
  })
}
