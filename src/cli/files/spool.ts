/** All of stdin in a file that only we read: a tar stream must know sizes before what has them. */
import { createWriteStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

export async function spool(input: Readable): Promise<AsyncDisposable & { readonly path: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'croft-push-'))
  const remove = () => rm(folder, { recursive: true, force: true })
  const path = join(folder, 'stdin')
  try {
    await pipeline(input, createWriteStream(path, { mode: 0o600, flags: 'wx' }))
  } catch (thrown) {
    await remove()
    throw thrown
  }
  return { path, [Symbol.asyncDispose]: remove }
}
