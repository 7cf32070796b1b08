/**
 * Lasting data outlives every change of version, number and release. Ten deploys here; `CROFT_DEPLOYS=100 script/test system deploy-often`
 * makes as many as you have time for.
 */
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { Site } from '../../src/api/site.ts'
import { tarOf } from '../archives/make.ts'
import { createTestFarm } from './farm.ts'

const farm = await createTestFarm()
let failed = true
after(() => farm.dispose({ keepLog: failed }))
const deploys = Number(process.env.CROFT_DEPLOYS || 10)

const toml = `[app]
name = "shop"
[daemon.wait]
command = "sleep infinity"
[data.uploads]
path = "/srv/data/uploads"
size = "100M"
`
const first = async (): Promise<string> => {
  const { instances } = await farm.json<Site>('site', 'show', 'shop/prod')
  return instances.find(({ state }) => state === 'ready')?.name ?? ''
}
/** Names, contents, owners, modes and times. */
const words = 'tar -C /srv/data/uploads --sort=name --numeric-owner -cf - . | sha256sum'
const asRoot = async (script: string): Promise<string> =>
  farm.croftOk('exec', await first(), '--plain', '--', 'sh', '-ec', script)
const hash = (): Promise<string> => asRoot(words)

test(`a data folder is the same after ${deploys} deploys, a rollback, and more and fewer instances`, async (context) => {
  for (const version of ['v1', 'v2']) {
    const tar = join(farm.stateDir, `${version}.tar`)
    const files = { 'croft.toml': toml, version: `${version}\n` }
    await writeFile(tar, tarOf(Object.entries(files).map(([path, content]) => ({ path, content }))))
    await farm.croftOk('build', 'shop', '--tar', tar, '--as', version)
  }
  await farm.croftOk('deploy', 'shop/prod', 'v1')
  const fill = [
    'cd /srv/data/uploads && mkdir -p deep/er && for i in $(seq 30); do head -c 100000 /dev/urandom >deep/$i; done',
    'ln -s deep/1 link; touch -d 2001-02-03 deep/2; chmod 640 deep/3; chown -R 800:800 .; chown 33:34 deep/4',
  ]
  await asRoot(fill.join('\n'))
  const begun = await hash()
  for (let turn = 1; turn <= deploys; turn++) {
    await farm.croftOk('deploy', 'shop/prod', turn % 2 === 1 ? 'v2' : 'v1')
    assert.equal(await hash(), begun, `after ${turn} deploys`)
    if (turn % 25 === 0) context.diagnostic(`${turn} deploys: ${begun.slice(0, 16)}`)
  }
  await farm.croftOk('rollback', 'shop/prod')
  await farm.croftOk('site', 'scale', 'shop/prod', '3')
  assert.equal(await hash(), begun)
  await farm.croftOk('site', 'scale', 'shop/prod', '1')
  assert.equal(await hash(), begun)
  context.diagnostic(`${await first()} has ${begun.slice(0, 16)}`)
  failed = false
})
