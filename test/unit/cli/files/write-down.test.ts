/** A folder without croft.toml gets one; a folder that has one keeps it. */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, beforeEach, describe, test } from 'node:test'
import type { NewBuild } from '../../../../src/api/build.ts'
import { croft, fakeDaemon } from '../fake-daemon.ts'

const accepted = { operation: null, result: null, steps: [] }
const before = process.cwd()
const folder = mkdtempSync(join(tmpdir(), 'shop-'))

describe('what a folder is', () => {
  beforeEach(() => process.chdir(folder))
  afterEach(() => {
    process.chdir(before)
    for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true })
  })

  after(() => rmSync(folder, { recursive: true }))

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

  test('a croft.toml that cannot be read is told of with line and column, whatever its folder is called', async () => {
    mkdirSync('test')
    process.chdir('test')
    await using daemon = await fakeDaemon(({ method }) => ({ value: method === 'GET' ? [] : accepted }))
    for (const [toml, wrong] of [
      ['[app\nname = "leaflet"\n', /croft\.toml:1:5: the \] is missing/],
      ['[app]\nname="leaflet\nplatform = "node"\n', /croft\.toml:2:\d+: /],
      ["[app]\nname='leaflet\n", /croft\.toml:2:\d+: /],
      ['[app]\nname = leaflet\n', /croft\.toml:2:8: a text stands in quotes/],
      ['app = 5\n', /croft\.toml:1:7: app /],
      ['[app]\nname = "My Shop"\n', /croft\.toml:2:8: app\.name must be 1 to 32 of a-z/],
      ['[app]\nname = 7\n', /croft\.toml:2:8: app\.name /],
    ] as const) {
      writeFileSync('croft.toml', toml)
      for (const words of [
        ['deploy'],
        ['deploy', '--dry-run'],
        ['deploy', 'leaflet'],
        ['app', 'build'],
        ['deploy', '--json'],
      ]) {
        const { code, out, err } = await croft(words, daemon)
        assert.match(err, wrong, `${words.join(' ')}: ${toml}`)
        assert.match(err, /croft help toml/)
        assert.deepEqual([code, out], [2, ''])
      }
    }
    assert.deepEqual(
      daemon.asked.filter(({ method }) => method !== 'GET'),
      [],
    )
    writeFileSync('croft.toml', 'app.name = "leaflet"\n')
    await croft(['deploy', '--dry-run'], daemon)
    assert.equal(daemon.asked.at(-1)?.path, '/v1/sites/leaflet%2Fprod/deploy')
  })
})
