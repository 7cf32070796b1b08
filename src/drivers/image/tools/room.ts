/**
 * A subvolume as a room to work in: its content lies in `rootfs`, beside it only what the host's programs need to run.
 * Nothing else works on it meanwhile, and only names of the first level are touched: a rename follows no link.
 */
import { chmod, lstat, lutimes, mkdir, readdir, rename, rm, rmdir, symlink } from 'node:fs/promises'
import { CroftError } from '../../../api/errors.ts'
import { onDisk } from '../../template/walk.ts'

const content = 'rootfs'
/** A name that no tree has; one that does is refused. */
const aside = '.croft-aside'
const folders = ['usr', 'dev', 'proc', 'tmp', 'sys'] as const
/** The host's /usr is merged, as Debian's is since 2019. */
const links = ['bin', 'sbin', 'lib', 'lib64'] as const

export async function enterRoom(root: string): Promise<void> {
  const names = await namesIn(root, '')
  await mkdir(`${root}/${aside}`, { mode: 0o755 }).catch(() => {
    throw unsafe(`${aside} is a name of croft's own`)
  })
  for (const name of names) await rename(onDisk(root, name), onDisk(root, `${aside}/${name}`))
  await rename(`${root}/${aside}`, `${root}/${content}`)
  for (const name of folders) await mkdir(`${root}/${name}`, { mode: 0o755 })
  for (const name of links) await symlink(`usr/${name}`, `${root}/${name}`)
}

export async function leaveRoom(root: string): Promise<void> {
  for (const name of links) await rm(`${root}/${name}`)
  for (const name of folders) await rmdir(`${root}/${name}`)
  const { mode } = await folderAt(`${root}/${content}`)
  await rename(`${root}/${content}`, `${root}/${aside}`)
  for (const name of await namesIn(root, aside)) {
    if (name === aside) throw unsafe(`${aside} is a name of croft's own`)
    await rename(onDisk(root, `${aside}/${name}`), onDisk(root, name))
  }
  await rmdir(`${root}/${aside}`)
  await chmod(root, mode & 0o755)
}

/** When it became a room says nothing about the tree. */
export const forgetTime = (root: string): Promise<void> => lutimes(`${root}/${content}`, 0, 0)

async function folderAt(path: string): Promise<{ readonly mode: number }> {
  const stats = await lstat(path)
  if (stats.isDirectory()) return stats
  throw unsafe('the root of the tree is no folder')
}

const namesIn = (root: string, path: string): Promise<string[]> => readdir(onDisk(root, path), { encoding: 'latin1' })

const unsafe = (message: string): CroftError => new CroftError('TEMPLATE_UNSAFE', message)
