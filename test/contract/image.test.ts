import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createFakeImages, type FakeArchive } from '../../src/drivers/image/fake/index.ts'
import { imageContract } from './image.ts'

const archiveOf = (archive: FakeArchive): Buffer => Buffer.from(JSON.stringify(archive))

imageContract('fake', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'croft-image-'))
  let roots = 0
  return {
    images: createFakeImages(),
    folder,
    uidBase: 0x70000000,
    async root() {
      const path = join(folder, `root${++roots}`)
      await mkdir(path)
      return path
    },
    archiveOf: (text) => archiveOf({ text, init: { kind: 'system' } }),
    long: archiveOf({ text: '', init: { kind: 'system' }, endless: true }),
    atWork: async () => {},
    leftovers: async () => [],
    close: () => rm(folder, { recursive: true, force: true }),
  }
})
