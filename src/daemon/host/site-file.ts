/** What a host says of an application, in a file of root's: `/etc/croft/sites/shop.toml`. Whoever else could write it would say what runs. */
import { constants, type Stats } from 'node:fs'
import { lstat, open } from 'node:fs/promises'
import { join } from 'node:path'
import type { AppConfig } from '../../api/app.ts'
import { CroftError } from '../../api/errors.ts'

const mostBytes = 256 * 1024

export interface SiteFile {
  readonly path: string
  readonly config: AppConfig
}

/** Undefined when there is none. */
export async function readSiteFile(folder: string, app: string): Promise<SiteFile | undefined> {
  const path = join(folder, `${app}.toml`)
  const text = await readOwn(folder, path)
  if (text === undefined) return undefined
  const { parseAppFile } = await import('../../plan/config/parse.ts')
  return { path, config: parseAppFile(text, path) }
}

async function readOwn(folder: string, path: string): Promise<string | undefined> {
  const above = await lstat(folder).catch(absent)
  if (!above) return undefined
  assertOwn(folder, above, above.isDirectory() ? undefined : 'it is no folder')
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(
    (thrown: NodeJS.ErrnoException) => {
      if (thrown.code === 'ELOOP') throw refused(path, 'it is a link')
      return absent(thrown)
    },
  )
  if (!file) return undefined
  await using _ = file
  const stats = await file.stat()
  const wrong = !stats.isFile() ? 'it is no file' : stats.size > mostBytes ? 'it is larger than 256 KiB' : undefined
  assertOwn(path, stats, wrong)
  return (await file.readFile()).toString('utf8')
}

function absent(thrown: NodeJS.ErrnoException): undefined {
  if (thrown.code !== 'ENOENT') throw thrown
}

function assertOwn(path: string, { uid, mode }: Stats, wrong: string | undefined): void {
  const letters = (mode & 0o777).toString(8).padStart(4, '0')
  const why =
    wrong ?? (uid !== 0 ? `it belongs to uid ${uid}` : mode & 0o022 ? `others may write it (${letters})` : undefined)
  if (why !== undefined) throw refused(path, why)
}

const refused = (path: string, why: string): CroftError =>
  new CroftError('REFUSED', `${path} is not read: ${why}`, { hint: `chown root:root ${path} && chmod go-w ${path}` })
