import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { Build, Release } from '../../src/api/site.ts'
import { createRunner } from '../../src/drivers/exec/runner.ts'
import { useFarm } from './farm.ts'

const farm = await useFarm()
const run = createRunner()
const work = await mkdtemp('/tmp/croft-build-')
after(() => rm(work, { recursive: true, force: true }))

/** An archive of these files. */
async function tarOf(name: string, files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await mkdtemp(join(work, 'src-'))
  for (const [path, text] of Object.entries(files)) {
    await run.run({ file: 'install', args: ['-D', '-m', '644', '/dev/null', join(folder, path)], timeoutMs: 10_000 })
    await writeFile(join(folder, path), text)
  }
  const to = join(work, name)
  await run.run({ file: 'tar', args: ['-czf', to, '-C', folder, '.'], timeoutMs: 10_000 })
  return to
}

const plain = (build: string, more = '') => `[app]\nname = "shop"\nplatform = "plain"\n[build]\n${build}\n${more}`

test('an archive becomes a release', async () => {
  const tar = await tarOf('shop.tar.gz', {
    'croft.toml': plain(
      `commands = ["id -un", "mkdir dist && tr a-z A-Z <in.txt >dist/out.txt"]\nartifacts = ["dist"]`,
    ),
    'in.txt': 'hello\n',
  })
  const said = await farm.croft('build', 'shop', '--tar', tar, '--as', 'v1')
  process.stderr.write(said.stdout + said.stderr)
  assert.equal(said.code, 0)
  const [release] = await farm.json<Release[]>('release', 'ls', 'shop')
  assert.equal(release?.ref, 'shop:v1')
  const [build] = await farm.json<Build[]>('build', 'ls')
  assert.equal(build?.state, 'done')
  process.stderr.write(await farm.croftOk('build', 'logs', build?.id ?? ''))
  process.stderr.write(await farm.croftOk('release', 'show', 'shop:v1'))
  await farm.croftOk('release', 'rm', 'shop:v1', '-y')
})
