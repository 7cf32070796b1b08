/**
 * What has come of disks that are on their way from other hosts: kept while it comes, so that what broke off goes on where
 * it was, also after this daemon died. It is a help and no condition: where there is no room for it nothing is kept.
 */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, open, readdir, rm, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { CroftError } from '../../api/errors.ts'
import type { Measure } from '../../drivers/storage/driver.ts'
import type { Env } from '../env.ts'

export interface Arrivals {
  /** How much of it is here, and its hash; undefined when nothing is. */
  find(id: string): Promise<Measure | undefined>
  /** All of it: what is here, and behind it the rest, which is kept as it comes. */
  whole(id: string, rest: AsyncIterable<Buffer>): Readable
  remove(id: string): Promise<void>
  /** What nobody went on with for a day goes. */
  sweep(): Promise<void>
}

/** Of all that is kept together. */
const mostBytes = 8 * 1024 ** 3
/** What must stay free on the disk below; then the pool may need what is kept here. */
const reserveBytes = 512 * 1024 ** 2
const checkEveryBytes = 64 * 1024 ** 2
const keptMs = 86_400_000

export interface ArrivalLimits {
  readonly mostBytes: number
  readonly reserveBytes: number
}

export function createArrivals(
  folder: string,
  env: Pick<Env, 'now'>,
  limits: ArrivalLimits = { mostBytes, reserveBytes },
): Arrivals {
  function path(id: string): string {
    if (/^[a-z0-9][a-z0-9-]{0,63}$/.test(id)) return join(folder, id)
    throw new CroftError('BAD_VALUE', 'this is not the id of a disk')
  }

  async function find(id: string): Promise<Measure | undefined> {
    const hash = createHash('sha256')
    let bytes = 0
    for await (const chunk of pieces(path(id))) {
      hash.update(chunk)
      bytes += chunk.length
    }
    return bytes === 0 ? undefined : { bytes, sha256: hash.digest('hex') }
  }

  const remove = (id: string): Promise<void> => rm(path(id), { force: true })

  async function* all(id: string, rest: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    yield* pieces(path(id))
    await using keeper = await createKeeper(id)
    for await (const chunk of rest) {
      await keeper.keep(chunk)
      yield chunk
    }
  }

  /** Whatever goes wrong here, the disk itself comes all the same. */
  async function createKeeper(id: string) {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    const file = await open(path(id), 'a', 0o600)
    let used = (await sizes()).reduce((sum, { bytes }) => sum + bytes, 0)
    let checkAt = 0
    let keeps = true
    return {
      async keep(chunk: Buffer) {
        if (!keeps) return
        try {
          used += chunk.length
          // What is here is still a beginning.
          if (used > limits.mostBytes) keeps = false
          else {
            if (used >= checkAt) await assertRoom()
            checkAt = used >= checkAt ? used + checkEveryBytes : checkAt
            await file.appendFile(chunk)
          }
        } catch {
          keeps = false
          await remove(id)
        }
      },
      [Symbol.asyncDispose]: () => file.close(),
    }
  }

  async function assertRoom(): Promise<void> {
    const { bavail, bsize } = await statfs(folder)
    if (bavail * bsize <= limits.reserveBytes) throw new CroftError('POOL_FULL', `no room below ${folder}`)
  }

  async function sizes() {
    const names = await unlessAbsent(readdir(folder), [])
    const found = await Promise.all(names.map((name) => unlessAbsent(stat(join(folder, name)), undefined)))
    return names.flatMap((name, at) => {
      const one = found[at]
      return one ? [{ name, bytes: one.size, mtimeMs: one.mtimeMs }] : []
    })
  }

  return {
    ...{ find, remove },
    whole: (id, rest) => Readable.from(all(id, rest), { objectMode: false }),
    async sweep() {
      for (const { name, mtimeMs } of await sizes())
        if (Math.abs(env.now() - mtimeMs) > keptMs) await rm(join(folder, name), { force: true, recursive: true })
    },
  }
}

async function* pieces(path: string): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 256 * 1024 })) yield chunk as Buffer
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'ENOENT') throw thrown
  }
}

const unlessAbsent = <T>(asked: Promise<T>, absent: T): Promise<T> =>
  asked.catch((thrown: NodeJS.ErrnoException) => {
    if (thrown.code === 'ENOENT') return absent
    throw thrown
  })
