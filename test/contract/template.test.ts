import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createFakeBuilder, endlessPackage } from '../../src/drivers/template/fake/index.ts'
import { templateContract } from './template.ts'

templateContract({
  name: 'fake',
  builder: createFakeBuilder(),
  uidBase: 0x70000000,
  good: { from: 'debian:12', packages: [] },
  long: { from: 'debian:12', packages: [endlessPackage] },
  abortAt: /building/,
  look: async (root) => assert.match(await readFile(join(root, 'etc/os-release'), 'utf8'), /debian:12/),
  leftovers: async () => [],
})
