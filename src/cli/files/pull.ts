/** Out of a guest, which may send what it likes: `unpack.ts` takes only what was asked for, beside its place until it is whole. */
import { lstatSync, realpathSync, renameSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { CroftError } from '../../api/errors.ts'
import { folderOf, type GuestFiles, nameOf, stagedName } from './guest-files.ts'
import { TarReader } from './tar-read.ts'
import { type LeftOut, lstatMaybe, Unpacker } from './unpack.ts'

export interface Pull {
  readonly path: string
  /** On the host. */
  readonly to: string
  readonly maxBytes: number | undefined
  readonly signal: AbortSignal
  readonly onBytes: (count: number) => void
}

export interface Pulled {
  readonly to: string
  readonly files: number
  readonly leftOut: readonly LeftOut[]
  /** What the guest's tar had to say of what it could not send. */
  readonly said?: string
}

export async function pullFrom(files: GuestFiles, pull: Pull): Promise<Pulled> {
  const { path, found } = await files.follow(pull.path)
  if (!found) throw new CroftError('NOT_FOUND', `${files.guest} has no ${pull.path}`)
  if (path === '/') {
    throw new CroftError('USAGE', 'a whole guest is not pulled', { hint: `croft snapshot add ${files.guest}` })
  }
  if (found.kind === 'other') throw new CroftError('REFUSED', `${files.guest}:${path} is neither file nor folder`)
  const { place, there } = placeFor(pull.to, { name: nameOf(pull.path), folder: found.kind === 'folder' })
  // A folder that is there takes more in; everything else appears whole or not at all.
  const at = there ? place : join(dirname(place), stagedName())
  try {
    const got = await take(files, { ...pull, path, to: at })
    if (!there) renameSync(at, place)
    return { ...got, to: place }
  } catch (thrown) {
    if (!there) rmSync(at, { recursive: true, force: true })
    throw thrown
  }
}

async function take(files: GuestFiles, pull: Pull): Promise<Omit<Pulled, 'to'>> {
  const name = nameOf(pull.path)
  const { maxBytes, onBytes } = pull
  const unpacker = new Unpacker({ name: latin1(name), to: latin1(pull.to), maxBytes, onBytes })
  const reader = new TarReader(unpacker)
  try {
    const ended = await files.run(['tar', '-c', '-f', '-', '-C', folderOf(pull.path), `./${name}`], {
      onOutput: (bytes) => reader.push(bytes),
      signal: pull.signal,
    })
    // 1: some of it changed while it was read.
    if (ended.exit > 1) throw files.failed('tar', ended)
    reader.end()
    unpacker.finish()
    if (lstatMaybe(pull.to) === undefined) throw new CroftError('FAILED', `${files.guest} sent nothing`)
    return { files: unpacker.files, leftOut: unpacker.leftOut, ...(ended.exit === 0 ? {} : { said: ended.said }) }
  } finally {
    unpacker.close()
  }
}

/** As cp does: into a folder that is there, else under the name that was given. */
function placeFor(to: string, source: { name: string; folder: boolean }): { place: string; there: boolean } {
  const given = lstatMaybe(to) && realpathSync(to)
  if (given === undefined) {
    const parent = dirname(to)
    if (!lstatMaybe(parent))
      throw new CroftError('NOT_FOUND', `there is no folder ${parent}`, { hint: `mkdir -p ${parent}` })
    return { place: to, there: false }
  }
  const place = lstatSync(given).isDirectory() ? join(given, source.name) : given
  const stats = lstatMaybe(place)
  if (!stats) return { place, there: false }
  if (source.folder && !stats.isDirectory()) throw new CroftError('EXISTS', `${place} is there, and no folder`)
  if (!source.folder && !stats.isFile()) throw new CroftError('EXISTS', `${place} is there, and no file`)
  return { place, there: source.folder }
}

const latin1 = (text: string): string => Buffer.from(text).toString('latin1')
