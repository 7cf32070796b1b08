/** Takes archives that are JSON, and writes tiny trees: what they hold is what they say. */
import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { CroftError } from '../../../api/errors.ts'
import { Init } from '../../../api/guest.ts'
import type { Images } from '../driver.ts'

/** The whole of a fake archive; what is no JSON of this form is refused. */
export interface FakeArchive {
  readonly text: string
  readonly init: Init
  /** It ends only by its signal. */
  readonly endless?: boolean
}

const file = 'etc/fake'

export function createFakeImages(): Images {
  return {
    name: 'fake',
    async unpack(archive, targetDir, { signal, limits }) {
      const cancelled = () => new CroftError('CANCELLED', 'the work was cancelled', { cause: signal.reason })
      if (signal.aborted) throw cancelled()
      const { text, init, endless } = parse(await readFile(archive, 'utf8'))
      while (endless)
        await sleep(60_000, undefined, { signal }).catch(() => {
          throw cancelled()
        })
      if (text.length > limits.bytes)
        throw new CroftError('TEMPLATE_UNSAFE', `the archive unpacks to more than ${limits.bytes} bytes`)
      for (const folder of ['sbin', 'etc', 'dev', 'proc', 'sys', 'run', 'tmp']) await mkdir(join(targetDir, folder))
      await writeFile(join(targetDir, 'sbin/init'), '#!/bin/false\n')
      await chmod(join(targetDir, 'sbin/init'), 0o755)
      await writeFile(join(targetDir, file), text)
      return { format: 'croft', init, files: 2, bytes: text.length }
    },
    async pack(sourceDir, { init }, { signal }) {
      if (signal.aborted) throw new CroftError('CANCELLED', 'the work was cancelled')
      const text = await readFile(join(sourceDir, file), 'utf8')
      await rm(join(sourceDir, file))
      const archive: FakeArchive = { text, init }
      return { output: Readable.from([Buffer.from(JSON.stringify(archive))]), ended: Promise.resolve() }
    },
    async sweep() {},
  }
}

function parse(text: string): FakeArchive {
  try {
    const archive = JSON.parse(text) as FakeArchive
    return { ...archive, init: Init.parse(archive.init) }
  } catch {
    throw new CroftError('TEMPLATE_UNSAFE', 'this is no archive')
  }
}
