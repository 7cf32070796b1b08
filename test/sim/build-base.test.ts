/** What a build may begin with: no other app's code, and nothing that an app calls like what all are built on. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AppName } from '../../src/api/app.ts'
import { baseName, ensureBase, findBase } from '../../src/daemon/farm/build-base.ts'
import type { GuestWork } from '../../src/daemon/farm/build-guest.ts'
import type { BuildRecord } from '../../src/daemon/records/app-records.ts'
import { commitTemplate } from '../../src/daemon/records/new-template.ts'
import { getTemplateRecord } from '../../src/daemon/records/templates.ts'
import { SimFarm } from './farm.ts'

const source = { from: 'debian:12', packages: [] }

async function begun() {
  const farm = await new SimFarm().open()
  const work = (app: string): GuestWork => ({
    daemon: farm.daemon,
    record: { app, id: 'b1', by: 'root' } as BuildRecord,
    signal: new AbortController().signal,
    until: () => Number.POSITIVE_INFINITY,
  })
  const make = async (ref: string, app?: string) => {
    const facts = { version: 'v1', commit: null, source: 'a folder', platform: 'plain' as const, config: {} }
    const release =
      app === undefined ? {} : { release: { app, ...facts, hash: ref, by: 'root', build: 'b', buildSeconds: 1 } }
    await commitTemplate(
      farm.daemon,
      { name: 'root', role: 'operator' },
      {},
      { ref, verb: 'build', source, ...release },
    )
    await farm.pass(1)
  }
  return { farm, work, make }
}

test('a release is the base of its own app alone; what an operator made is for all', async () => {
  const { work, make } = await begun()
  await make('victim:v1', 'victim')
  await make('tools:1')
  await assert.rejects(ensureBase(work('evil'), 'victim:v1', []), { code: 'REFUSED', message: /release of victim/ })
  await assert.rejects(ensureBase(work('evil'), 'victim:v1', ['git']), { code: 'REFUSED' })
  assert.equal((await ensureBase(work('victim'), 'victim:v1', [])).value.ref, 'victim:v1')
  assert.equal((await ensureBase(work('evil'), 'tools:1', [])).value.ref, 'tools:1')
})

test('a release that is called like a base of all is nobody’s base, and no app gets such a name', async () => {
  const { farm, work, make } = await begun()
  const name = baseName((await getTemplateRecord(farm.daemon, 'debian:12')).value.id, ['git'])
  for (const ref of [name, 'ubuntu:24.04']) await make(ref, ref.split(':')[0])
  for (const app of ['shop', 'ubuntu'])
    await assert.rejects(ensureBase(work(app), 'ubuntu:24.04', []), { code: 'REFUSED' })
  await assert.rejects(ensureBase(work('shop'), 'debian:12', ['git']), { code: 'REFUSED' })
  assert.equal(await findBase(work('shop'), 'debian:12', ['git']), undefined)
  for (const bad of ['debian', 'ubuntu', 'alpine', 'base-0123456789ab', 'base-'])
    assert.equal(AppName.safeParse(bad).success, false, bad)
  for (const good of ['debian-shop', 'base', 'database']) assert.equal(AppName.safeParse(good).success, true, good)
})
