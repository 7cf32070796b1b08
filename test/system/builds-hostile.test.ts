/** Builds that nobody vouches for: what they leave is a reason, and nothing else. */
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { Build } from '../../src/api/site.ts'
import { tarOf } from '../archives/make.ts'
import { useFarm } from './farm.ts'

const farm = await useFarm()
const work = await mkdtemp('/tmp/croft-build-')
after(() => rm(work, { recursive: true, force: true }))

const plain = (build: string): string => `[app]\nplatform = "plain"\n[build]\n${build}\n`

/** Fails, for a reason, and leaves neither release nor guest. */
async function fails(app: string, entries: Parameters<typeof tarOf>[0], why: RegExp): Promise<void> {
  const tar = join(work, `${app}.tar`)
  await writeFile(tar, tarOf(entries))
  const said = await farm.croft('build', app, '--tar', tar)
  assert.notEqual(said.code, 0, app)
  assert.match(said.stderr, why, app)
  const builds = await farm.json<Build[]>('build', 'ls', app)
  assert.deepEqual(
    builds.map(({ state }) => state),
    ['failed'],
  )
  await farm.croftOk('app', 'rm', app, '-y')
}

test('a build that ends ill, or not at all, leaves a reason and nothing else', async () => {
  const cases: readonly (readonly [why: RegExp, build: string])[] = [
    [/false" ended with 1/, 'commands = ["echo why; false"]'],
    [/took longer than/, 'commands = ["trap : TERM HUP INT; while :; do sleep 1000; done"]\ntimeout = "6s"'],
    [/No space left|ended with/, 'commands = ["head -c 500M /dev/zero >x"]\ndisk = "300M"'],
    [/build\.memory may be \d+M on this host at most/, 'commands = ["true"]\nmemory = "900T"'],
    [/left no file/, 'commands = ["mkdir empty"]\nartifacts = ["empty"]'],
    [/printed more than/, 'commands = ["yes"]'],
    [/ended with|could not/, 'commands = ["f() { f | f & }; f; sleep 2; exit 9"]'],
  ]
  const config = (build: string) => ({ path: 'croft.toml', content: plain(build) })
  await Promise.all(cases.map(([why, build], index) => fails(`ill${index}`, [config(build)], why)))
  assert.deepEqual(await farm.json('release', 'ls'), [])
  assert.deepEqual(await farm.json('ls'), [])
})

test('an archive that climbs or leads out through links harms nobody', async () => {
  const config = { path: 'croft.toml', content: plain('') }
  const hostile = [
    [config, { path: '../../../../etc/owned', content: 'x' }],
    [config, { path: 'out', kind: 'symlink', target: '/etc' } as const, { path: 'out/owned', content: 'x' }],
    [config, { path: 'sda', kind: 'device' } as const],
  ]
  await Promise.all(
    hostile.map((entries, index) => fails(`climbs${index}`, entries, /the unpacking ended with|is a device node/)),
  )
})
