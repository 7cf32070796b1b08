/** Seeds on real disks, and disks that a hostile release prepared. Needs root. */
import assert from 'node:assert/strict'
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { SeedFile } from '../../src/api/app.ts'
import { createLxc } from '../../src/drivers/runtime/lxc/index.ts'
import { LxcWorld, run } from './runtime-world.ts'

const world = new LxcWorld()
before(() => world.open())
after(() => world.close())

const secret = 'PASSWORD=planted\nÄ\n'
const unit = { path: '/etc/systemd/system/web.service', mode: 0o644, text: '[Service]\n' }
const files: readonly SeedFile[] = [
  { path: '/etc/croft', folder: true, mode: 0o700 },
  { path: '/etc/croft/env', mode: 0o400, text: secret },
  unit,
  { path: '/etc/systemd/system/multi-user.target.wants/web.service', link: '/etc/systemd/system/web.service' },
  { path: '/srv/app/.env', link: '../../etc/croft/env' },
]

async function on(number: number): Promise<{ root: string; plant: (files: readonly SeedFile[]) => Promise<void> }> {
  const runtime = createLxc(run, { lxcPath: world.lxcPath, cgroup: world.cgroup })
  const { rootPath, uidBase } = await world.definition(number)
  return { root: rootPath, plant: (wanted) => runtime.plant({ number, rootPath, uidBase, id: 'seed' }, wanted) }
}

test('files, folders and links, of root, with their modes, and the same when told twice', async () => {
  const { root, plant } = await on(940)
  mkdirSync(join(root, 'etc/systemd'), { mode: 0o711 })
  const at = (path: string) => lstatSync(join(root, path))
  for (const _ of [1, 2]) {
    await plant(files)
    assert.deepEqual([at('etc/croft').mode & 0o7777, at('etc/croft/env').mode & 0o7777], [0o700, 0o400])
    assert.deepEqual([at('etc/croft/env').uid, at('srv/app').uid], [0, 0])
    assert.equal(readFileSync(join(root, 'etc/croft/env'), 'utf8'), secret)
    assert.equal(readlinkSync(join(root, 'srv/app/.env')), '../../etc/croft/env')
    assert.equal(
      readlinkSync(join(root, 'etc/systemd/system/multi-user.target.wants/web.service')),
      '/etc/systemd/system/web.service',
    )
    assert.equal(at('etc/systemd').mode & 0o7777, 0o711, 'a folder that was there stays as it was')
  }
  await plant([])
})

test('a link at the place of a file is replaced, and what it led to stays as it is', async () => {
  const { root, plant } = await on(941)
  mkdirSync(join(root, 'etc/croft'))
  writeFileSync(join(root, 'etc/passwd'), 'guest’s own\n')
  const outside = join(world.folder, 'canary')
  writeFileSync(outside, 'host’s own\n')
  symlinkSync('/etc/passwd', join(root, 'etc/croft/env'))
  mkdirSync(join(root, 'etc/systemd/system'), { recursive: true })
  symlinkSync(`../../../../../../../../..${outside}`, join(root, unit.path))
  await plant(files)
  assert.equal(readFileSync(join(root, 'etc/passwd'), 'utf8'), 'guest’s own\n')
  assert.equal(readFileSync(outside, 'utf8'), 'host’s own\n')
  assert.ok(lstatSync(join(root, 'etc/croft/env')).isFile() && lstatSync(join(root, unit.path)).isFile())
})

test('a folder on the way that is a link or a file ends it before anything is written', async () => {
  for (const [index, prepare] of [
    (root: string) => symlinkSync('/tmp', join(root, 'etc/croft')),
    (root: string) => symlinkSync(`../../../../../../../..${world.folder}`, join(root, 'srv')),
    (root: string) => writeFileSync(join(root, 'etc/systemd'), ''),
    (root: string) => symlinkSync('nowhere', join(root, 'srv')),
  ].entries()) {
    const { root, plant } = await on(942 + index)
    prepare(root)
    await assert.rejects(plant(files), {
      code: 'START_FAILED',
      message: /\/(etc\/croft|srv|etc\/systemd) is no folder/,
    })
    assert.deepEqual(readdirSync(join(root, 'tmp')), [])
    assert.ok(!existsSync(join(root, 'etc/croft/env')) && !existsSync(join(world.folder, 'app')))
  }
})

test('a folder at the place of a file fails with a reason', async () => {
  const { root, plant } = await on(946)
  mkdirSync(join(root, 'etc/croft/env'), { recursive: true })
  await assert.rejects(plant(files), { code: 'START_FAILED', message: /not put on the disk: .*env/ })
})
