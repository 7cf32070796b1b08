/** Files that were sent to become templates, and what is remembered of where templates came from. */
import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { keys } from '../../src/daemon/records/keys.ts'
import { read, readAll, type TemplateRecord } from '../../src/daemon/records/records.ts'
import { SimFarm } from './farm.ts'

const folder = mkdtempSync(join(tmpdir(), 'croft-uploads-'))
after(() => rmSync(folder, { recursive: true }))

async function* file() {
  yield Buffer.from('an archive')
}

/** A build is under way and does not end before it is told to. */
async function busyFarm(): Promise<{ farm: SimFarm; go: () => void }> {
  const farm = new SimFarm()
  farm.uploadsDir = folder
  await farm.open()
  const { promise, resolve } = Promise.withResolvers<void>()
  farm.builds = promise
  await farm.ask('buildTemplate', { body: { ref: 'debian:13' } })
  return { farm, go: resolve }
}

async function gone(path: string): Promise<void> {
  for (let looks = 0; looks < 1000 && existsSync(path); looks++) await sleep(10)
  assert.ok(!existsSync(path))
}

test('a record that goes before its turn takes the file along that was sent for it', async () => {
  const { farm, go } = await busyFarm()
  const { id } = await farm.uploads.receive(file(), 100)
  await farm.ask('importTemplate', { params: { template: 'mine:1' }, body: { upload: id } })
  assert.ok(existsSync(join(folder, id)))
  await farm.ask('removeTemplate', { params: { template: 'mine:1' } })
  go()
  await farm.pass(3)
  await gone(join(folder, id))
  assert.equal(await read(farm.store, keys.template('mine:1')), undefined)
})

test('an upload is of one import: another one, or one with a wrong hash, is refused and takes nothing away', async () => {
  const { farm, go } = await busyFarm()
  const { id } = await farm.uploads.receive(file(), 100)
  await farm.ask('importTemplate', { params: { template: 'mine:1' }, body: { upload: id } })
  for (const body of [{ upload: id }, { upload: id, sha256: 'f'.repeat(64) }])
    assert.equal(await farm.ask('importTemplate', { params: { template: 'other:1' }, body }), undefined)
  assert.equal(farm.lines.filter((line) => line.includes('BUSY: this upload is being imported')).length, 2)
  assert.ok(farm.uploads.find(id) && existsSync(join(folder, id)))
  go()
  await farm.pass(3)
  await gone(join(folder, id))
})

test('a ready template says no more how it was made, and its history never did', async () => {
  const farm = await new SimFarm().open()
  const key = keys.template('debian:12')
  const record = await read<TemplateRecord>(farm.store, key)
  assert.ok(record)
  const making = { kind: 'import', url: 'https://x.test/a?token=hush', limits: { bytes: 1, files: 1 } } as const
  const write = () => farm.store.transact([], [{ put: key, value: { ...record.value, making } }])
  await write()
  await farm.pass(3)
  assert.deepEqual((await read<TemplateRecord>(farm.store, key))?.value, record.value)
  await write()
  await farm.ask('removeTemplate', { params: { template: 'debian:12' } })
  await farm.pass(3)
  const told = JSON.stringify(await readAll(farm.store, 'history/'))
  assert.match(told, /"verb":"rm"/)
  assert.doesNotMatch(told, /hush/)
})
