import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isCode } from '../../src/api/errors.ts'
import type { PoolSpec } from '../../src/drivers/storage/driver.ts'
import { createFakeStorage } from '../../src/drivers/storage/fake/index.ts'
import { storageContract } from './storage.ts'

const pool: PoolSpec = {
  name: 'main',
  kind: 'file',
  source: '/fake/pool',
  mountPoint: '/fake/mount',
  sizeBytes: 2 ** 30,
}

storageContract('fake', async () => {
  const storage = createFakeStorage({ pool })
  return {
    storage,
    write: async (ref, name, text) => storage.write(ref, name, text),
    read: async (ref, name) => storage.read(ref, name),
    close: () => storage.destroy(),
  }
})

test('the fake can be full, and counts', async () => {
  const storage = createFakeStorage({ pool })
  await storage.open()
  const root = { kind: 'root', number: 1, id: 'rootdisk-1' } as const
  await storage.create(root)
  await storage.limit(root, 10)
  storage.write(root, 'a', '12345')
  assert.deepEqual(await storage.usage(root), { usedBytes: 5, limitBytes: 10, ownBytes: 5 })
  assert.throws(() => storage.write(root, 'b', '123456'), /EDQUOT/)
  storage.fill(true)
  await assert.rejects(storage.clone(root, { ...root, id: 'rootdisk-2' }, { readOnly: false }), (e) =>
    isCode(e, 'POOL_FULL'),
  )
})
