/**
 * Files on their way in: sent or fetched, hashed as they come, and gone when they were used, when nobody came for them, or
 * when the daemon that took them died.
 */
import { createHash } from 'node:crypto'
import { mkdir, open, readdir, rm, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { CroftError } from '../../api/errors.ts'
import type { Upload } from '../../api/resources.ts'
import type { Env } from '../env.ts'

/** What must stay free on the disk below. */
const reserveBytes = 512 * 1024 ** 2
const checkEveryBytes = 64 * 1024 ** 2
/** After so long an upload that nothing uses goes. */
const keptMs = 15 * 60_000

export class Uploads {
  private readonly dir: string
  private readonly env: Env
  private readonly known = new Map<string, Upload & { readonly timer: Disposable; claimed: boolean }>()
  /** What all that are under way may write before they look at the disk again. */
  private ahead = 0

  constructor(dir: string, env: Env) {
    this.dir = dir
    this.env = env
  }

  /** Takes the stream to its end. TOO_LARGE, POOL_FULL; after a failure nothing of it is left. */
  async receive(source: AsyncIterable<Uint8Array>, maxBytes: number): Promise<Upload> {
    const id = this.env.id()
    await mkdir(this.dir, { recursive: true, mode: 0o700 })
    const hash = createHash('sha256')
    let bytes = 0
    let checkAt = 0
    this.ahead += checkEveryBytes
    try {
      await using file = await open(this.path(id), 'wx', 0o600)
      for await (const chunk of source) {
        bytes += chunk.length
        if (bytes > maxBytes) throw new CroftError('TOO_LARGE', `the file is larger than ${maxBytes} bytes`)
        if (bytes > checkAt) {
          await this.assertRoom()
          checkAt = bytes + checkEveryBytes
        }
        hash.update(chunk)
        await file.writeFile(chunk)
      }
    } catch (thrown) {
      await this.remove(id)
      throw thrown
    } finally {
      this.ahead -= checkEveryBytes
    }
    const upload: Upload = { id, bytes, sha256: hash.digest('hex') }
    const timer = this.env.later(keptMs, () => void this.remove(id).catch(() => {}))
    this.known.set(id, { ...upload, timer, claimed: false })
    return upload
  }

  find(id: string): (Upload & { readonly path: string }) | undefined {
    const known = this.known.get(id)
    return known && { id, bytes: known.bytes, sha256: known.sha256, path: this.path(id) }
  }

  /** From now on it belongs to who asks, and stays until he removes it; false when it is gone, or somebody else's. */
  claim(id: string): boolean {
    const known = this.known.get(id)
    if (!known || known.claimed) return false
    known.timer[Symbol.dispose]()
    known.claimed = true
    return true
  }

  async remove(id: string): Promise<void> {
    this.known.get(id)?.timer[Symbol.dispose]()
    this.known.delete(id)
    await rm(this.path(id), { force: true })
  }

  /** What a daemon that died had taken. */
  async sweep(): Promise<void> {
    const names = await readdir(this.dir).catch((thrown: NodeJS.ErrnoException) => {
      if (thrown.code === 'ENOENT') return []
      throw thrown
    })
    for (const name of names) if (!this.known.has(name)) await rm(join(this.dir, name), { force: true })
  }

  private path(id: string): string {
    if (!/^[a-z0-9]{8,40}$/.test(id)) throw new CroftError('BAD_VALUE', 'this is not the id of an upload')
    return join(this.dir, id)
  }

  private async assertRoom(): Promise<void> {
    const { bavail, bsize } = await statfs(this.dir)
    if (bavail * bsize > reserveBytes + this.ahead) return
    throw new CroftError('POOL_FULL', `the disk below ${this.dir} has no room left for the file`, {
      hint: `df -h ${this.dir}`,
    })
  }
}
