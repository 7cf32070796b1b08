/**
 * Whether a folder of the host may be bound into a guest: looked at when it is asked for and again at each start. Nobody but
 * root can put another folder in its place between that look and the bind.
 */
import { lstat, realpath } from 'node:fs/promises'
import { dirname } from 'node:path'
import { CroftError } from '../../api/errors.ts'
import type { Mount } from '../../api/mount.ts'

/** `own`: what of the host is croft's. */
export async function checkSource(mount: Mount, own: readonly string[]): Promise<void> {
  const { source } = mount
  const real = await realpath(source).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT' || cause.code === 'ENOTDIR') throw missing(mount)
    throw refused(`${source}: ${cause.message}`)
  })
  if (real !== source) throw refused(`${source} leads to ${real}`, `say ${real}`)
  if (systemFolders.some((folder) => isIn(source, folder) || isIn(folder, source)))
    throw refused(`${source} is the host's own`)
  for (const folder of await Promise.all(own.map((each) => realpath(each).catch(() => each))))
    if (isIn(source, folder) || isIn(folder, source)) throw refused(`${folder}, which is croft's, lies in ${source}`)
  await checkWay(mount)
}

const systemFolders = ['/boot', '/dev', '/etc', '/proc', '/run', '/sys', '/usr', '/root/.ssh']

/** Each folder on the way, the last one included: whose it is, and who may enter. */
async function checkWay(mount: Mount): Promise<void> {
  const way = await Promise.all(foldersTo(mount.source).map(async (path) => ({ path, ...(await lookAt(path)) })))
  const last = way.at(-1)
  if (!last?.isFolder) throw refused(`${mount.source} is no folder`)
  for (const [index, { path, uid, mode }] of way.slice(0, -1).entries()) {
    const inItsPlace = (mode & 0o022) === 0 || ((mode & 0o1000) !== 0 && way[index + 1]?.uid === 0)
    if (uid !== 0 || !inItsPlace)
      throw refused(`others than root may put something else in its place: ${path} is not root's alone`)
  }
  if (!mount.readOnly && !way.some(({ uid, mode }) => uid === 0 && (mode & 0o011) === 0))
    throw refused(
      `the guest's root could leave programs in ${mount.source} that run as root of the host for whoever can enter it`,
      `chmod 700 ${mount.source}, or bind it read-only`,
    )
}

function foldersTo(path: string): string[] {
  return path === '/' ? ['/'] : [...foldersTo(dirname(path)), path]
}

async function lookAt(path: string) {
  const found = await lstat(path)
  return { uid: found.uid, mode: found.mode, isFolder: found.isDirectory() }
}

const isIn = (path: string, folder: string): boolean =>
  path === folder || path.startsWith(folder === '/' ? '/' : `${folder}/`)

const refused = (why: string, hint?: string): CroftError =>
  new CroftError('REFUSED', `not bound: ${why}`, hint === undefined ? {} : { hint })

const missing = ({ source }: Mount): CroftError =>
  new CroftError('NOT_FOUND', `there is no folder ${source} on this host`, { hint: `mkdir -m 700 ${source}` })
