/** A full pool while an application is built and deployed: what runs goes on, what cannot be says why, and with room it goes on where it was. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { Release, Site } from '../../src/api/site.ts'
import { createRunner } from '../../src/drivers/exec/runner.ts'
import { tarOf } from '../archives/make.ts'
import { createTestFarm } from './farm.ts'

const farm = await createTestFarm({ ready: false })
let failed = true
after(() => farm.dispose({ keepLog: failed }))
const run = createRunner()

/** A copy: the pool is a disk of its own. */
async function addTemplate(): Promise<void> {
  const { path, manifest } = farm.template
  const folder = join(farm.stateDir, 'pools/default/templates')
  const to = join(folder, randomUUID())
  const file = (name: string, ...args: string[]) => run.run({ file: name, args, timeoutMs: 120_000 })
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await file('btrfs', 'subvolume', 'create', to)
  await file('cp', '-a', '--', `${path}/.`, to)
  await file('btrfs', 'property', 'set', '-ts', to, 'ro', 'true')
  const id = to.split('/').at(-1)
  await writeFile(`${to}.json`, JSON.stringify({ ...manifest, id }), { mode: 0o600 })
  await farm.croftOk('host', 'apply', '--adopt')
}

async function build(version: string) {
  const toml = '[app]\nname = "shop"\n[build]\ncommands = ["date >made"]\n[daemon.wait]\ncommand = "sleep infinity"\n'
  const files = { 'croft.toml': toml, version: `${version}\n` }
  const tar = join(farm.stateDir, `${version}.tar`)
  await writeFile(tar, tarOf(Object.entries(files).map(([path, content]) => ({ path, content }))))
  return farm.croftWith({ timeoutMs: 300_000 }, 'build', 'shop', '--tar', tar, '--as', version)
}
const show = (): Promise<Site> => farm.json<Site>('site', 'show', 'shop/prod')
const ready = async (): Promise<string[]> =>
  (await show()).instances.flatMap(({ name, state }) => (state === 'ready' ? [name] : []))

test('a full pool refuses a build and a deploy, and takes nothing from what serves', async () => {
  await farm.croftOk('init', 'meadow', '--pool', 'file', '--pool-size', '2G')
  await addTemplate()
  assert.equal((await build('v1')).code, 0)
  await farm.croftOk('deploy', 'shop/prod', 'v1')
  const serves = await ready()
  await farm.croftOk('create', 'greedy', 'debian:12', 'disk=none', 'memory=300M')
  const full = await farm.croft('exec', 'greedy', '--', 'dd', 'if=/dev/zero', 'of=/srv/all', 'bs=1M')
  assert.match(full.stderr, /No space left/)

  const built = await build('v2')
  assert.notEqual(built.code, 0, built.stdout)
  assert.match(built.stderr, /pool|[Nn]o space/)
  await farm.croftOk('config', 'set', 'shop/prod', 'env.COLOUR=red')
  const deployed = await farm.croft('deploy', 'shop/prod', 'v1')
  assert.equal(deployed.code, 1, deployed.stdout)
  assert.match(deployed.stderr, /pool[\s\S]*↩ shop:v1 serves on/)
  assert.deepEqual(await ready(), serves)
  assert.deepEqual(
    (await farm.json<Release[]>('release', 'ls', 'shop')).map(({ ref }) => ref),
    ['shop:v1'],
  )

  await farm.croftOk('rm', 'greedy', '-y')
  await farm.waitFor(async () => (await build('v2')).code === 0, 120_000, 'a build with room')
  await farm.croftOk('deploy', 'shop/prod', 'v2')
  assert.equal((await show()).release, 'shop:v2')
  assert.deepEqual(
    (await farm.json<{ name: string }[]>('ls')).map(({ name }) => name),
    await ready(),
  )
  failed = false
})
