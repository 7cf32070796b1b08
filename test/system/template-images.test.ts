/** Templates from archives, from guests, and back into archives, by the command and real tools. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { Template } from '../../src/api/resources.ts'
import { useFarm } from './farm.ts'

const farm = await useFarm()
const folder = await mkdtemp('/var/tmp/croft-images-')
after(() => rm(folder, { recursive: true, force: true }))
const file = (name: string): string => join(folder, name)

const show = (ref: string): Promise<Template> => farm.json<Template>('template', 'show', ref)

test('publish, export, import: the same template, and a guest of it is somebody else', async () => {
  await farm.croftOk('create', 'web', 'debian:12', '--wait=stable')
  await farm.inGuest('web', 'sh', '-c', 'echo kept > /srv/note; sync')
  const machineId = await farm.inGuest('web', 'cat', '/etc/machine-id')
  await farm.croftOk('template', 'publish', 'web', 'web:v1')
  const published = await show('web:v1')
  assert.equal(published.state, 'ready')
  assert.equal(published.source.from, 'guest web')
  const said = await farm.croftOk('template', 'export', 'web:v1', file('web.tar.zst'))
  const sha256 = /sha256 ([0-9a-f]{64})/.exec(said)?.[1] ?? ''
  await farm.croftOk('template', 'import', 'web:v2', file('web.tar.zst'), '--sha256', sha256)
  const imported = await show('web:v2')
  assert.equal(imported.sha256, published.sha256)
  assert.equal(imported.sizeBytes, published.sizeBytes)
  await farm.croftOk('create', 'web2', 'web:v2', '--wait=stable')
  assert.equal(await farm.inGuest('web2', 'cat', '/srv/note'), 'kept')
  assert.equal(await farm.inGuest('web2', 'hostname'), 'web2')
  assert.notEqual(await farm.inGuest('web2', 'cat', '/etc/machine-id'), machineId)
  await farm.croftOk('rm', 'web2', '-y')
  await farm.croftOk('template', 'rm', 'web:v1', 'web:v2', '-y')
})
