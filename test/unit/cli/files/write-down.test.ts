/** A folder without croft.toml gets one; a folder that has one keeps it. */
import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import type { NewBuild } from '../../../../src/api/build.ts'
import { croft, fakeDaemon } from '../fake-daemon.ts'

const before = process.cwd()
const folder = mkdtempSync(join(tmpdir(), 'shop-'))

describe('what a folder is', () => {
  beforeEach(() => process.chdir(folder))
  afterEach(() => {
    process.chdir(before)
    rmSync(folder, { recursive: true, force: true })
  })

  test('what a folder is is written down before it is built, and never over a file that is there', async () => {
    await using daemon = await fakeDaemon(({ query }) =>
      query.get('dryRun')
        ? { value: { operation: null, result: null, steps: [] } }
        : { status: 500, value: { code: 'FAILED', message: 'no' } },
    )
    const build = (...words: string[]) => croft(['app', 'build', 'shop', '--tar', 'none', ...words], daemon)
    const here = (...words: string[]) => croft(['app', 'build', ...words], daemon)
    assert.match((await here()).err, /no file to build/)
    writeFileSync('README.md', '# shop')
    assert.match((await here()).err, /no croft\.toml here, and no file tells what this is/)
    writeFileSync('package.json', '{"scripts":{"start":"node server.js"}}')
    const planned = await here('--dry-run')
    assert.match(planned.err, /found node \(package\.json with a start script\) → would write croft\.toml/)
    assert.equal(existsSync('croft.toml'), false)
    const ran = await here()
    assert.match(ran.err, /found node .* → wrote croft\.toml, \d+ lines/)
    assert.match(readFileSync('croft.toml', 'utf8'), /\[daemon\.web\]\ncommand = "node server\.js"\n/)
    writeFileSync('croft.toml', '[app]\nname = "mine"\n')
    assert.doesNotMatch((await here()).err, /wrote/)
    assert.equal(readFileSync('croft.toml', 'utf8'), '[app]\nname = "mine"\n')
    const plans = daemon.asked.filter(({ query }) => query.get('dryRun')).map(({ body }) => body as NewBuild)
    assert.match(plans[0]?.planned?.toml ?? '', /command = "node server\.js"/)
    assert.deepEqual(plans.at(-1)?.planned, { about: 'a folder', toml: '[app]\nname = "mine"\n' })
    assert.match((await build()).err, /"none" cannot be read/)
  })
})
