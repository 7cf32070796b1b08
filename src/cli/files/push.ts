/** Into a guest. One file comes under a name of its own beside its place and is moved there when whole; a tree comes as it goes. */
import { stat } from 'node:fs/promises'
import { CroftError } from '../../api/errors.ts'
import { type Found, folderOf, type GuestFiles, type GuestPath, nameOf, stagedName, within } from './guest-files.ts'
import { archiveOf, type SendOptions, type Sent } from './send.ts'
import { bytesOf } from './unpack.ts'

export interface Push {
  /** Named as on the host. */
  readonly sources: readonly Sent[]
  /** The text of stdin has neither a name nor a mode. */
  readonly nameless: boolean
  readonly owner: SendOptions['owner'] | undefined
  readonly mode: number | undefined
  readonly signal: AbortSignal
  readonly onBytes: (count: number) => void
  readonly onLeftOut: SendOptions['onLeftOut']
}

const newMode = 0o644
const root = { uid: 0, gid: 0 }

/** Returns where it went. */
export async function pushTo(files: GuestFiles, target: GuestPath, push: Push): Promise<string> {
  const { path, found } = await files.follow(target.path)
  const shown = `${files.guest}:${path}`
  const into = found?.kind === 'folder'
  if (into && push.nameless)
    throw new CroftError('USAGE', `${shown} is a folder`, { hint: `croft push - ${shown}/NAME` })
  if (!into && (push.sources.length > 1 || target.folder)) {
    if (found) throw new CroftError('REFUSED', `${shown} is no folder`)
    throw missing(files, path)
  }
  const folder = into ? path : folderOf(path)
  if (!into) await mustBeFolder(files, folder)
  const sources = into ? push.sources : push.sources.map(({ from }) => ({ from, name: latin1(nameOf(path)) }))
  const [only] = sources
  const single = sources.length === 1 && only !== undefined && (await stat(bytesOf(only.from))).isFile()
  if (single) return pushFile(files, { folder, source: only }, push)
  await send(files, { folder, sources }, { ...push, owner: push.owner ?? root })
  return path
}

async function pushFile(files: GuestFiles, to: { folder: string; source: Sent }, push: Push): Promise<string> {
  const { path, found } = await files.follow(within(to.folder, utf8(to.source.name)))
  if (found && found.kind !== 'file') {
    throw new CroftError('REFUSED', `${files.guest}:${path} is ${found.kind === 'folder' ? 'a folder' : 'no file'}`)
  }
  const folder = folderOf(path)
  const staged = stagedName()
  const as = { owner: push.owner ?? ownerOfFound(found), mode: push.mode ?? modeOfNew(push, found) }
  try {
    await send(files, { folder, sources: [{ ...to.source, name: staged }] }, { ...push, ...as })
    await files.askOk('mv', '-f', within(folder, staged), path)
  } catch (thrown) {
    await files.ask('rm', '-f', within(folder, staged)).catch(() => {})
    throw thrown
  }
  return path
}

/** What was there keeps its owner. */
const ownerOfFound = (found: Found | undefined) => (found ? { uid: found.uid, gid: found.gid } : root)
const modeOfNew = (push: Push, found: Found | undefined) => (push.nameless ? (found?.mode ?? newMode) : undefined)

async function send(
  files: GuestFiles,
  { folder, sources }: { folder: string; sources: readonly Sent[] },
  options: SendOptions & { readonly signal: AbortSignal },
): Promise<void> {
  const ended = await files.run(['tar', '-x', '-p', '-f', '-', '-C', folder], {
    input: archiveOf(sources, options),
    signal: options.signal,
  })
  if (ended.exit !== 0) throw files.failed('tar', ended)
}

async function mustBeFolder(files: GuestFiles, path: string): Promise<void> {
  const { found } = await files.follow(path)
  if (!found) throw missing(files, path)
  if (found.kind !== 'folder') throw new CroftError('REFUSED', `${files.guest}:${path} is no folder`)
}

function missing({ guest }: GuestFiles, path: string): CroftError {
  return new CroftError('NOT_FOUND', `${guest} has no folder ${path}`, {
    hint: `croft exec ${guest} -- mkdir -p ${path}`,
  })
}

/** `33`, `33:33`, `www-data`, `www-data:adm`: names as the guest knows them. */
export async function ownerOf(files: GuestFiles, text: string | undefined): Promise<SendOptions['owner'] | undefined> {
  if (text === undefined) return undefined
  const [, user = '', group] = /^([^:]+)(?::([^:]+))?$/.exec(text) ?? []
  if (user === '') throw new CroftError('USAGE', `"${text}" is no owner like www-data or 33:33`)
  const account = isNumber(user) ? { uid: Number(user), gid: Number(user) } : await find(files, '/etc/passwd', user)
  if (group === undefined) return account
  return { uid: account.uid, gid: isNumber(group) ? Number(group) : (await find(files, '/etc/group', group)).uid }
}

const isNumber = (text: string): boolean => /^\d{1,5}$/.test(text)

async function find(files: GuestFiles, file: string, name: string): Promise<SendOptions['owner']> {
  const row = (await files.askOk('cat', file)).split('\n').find((line) => line.startsWith(`${name}:`))
  const [, , uid, gid] = (row ?? '').split(':').map(Number)
  if (uid !== undefined && Number.isInteger(uid) && uid >= 0 && uid < 65536) {
    return { uid, gid: gid !== undefined && Number.isInteger(gid) && gid >= 0 && gid < 65536 ? gid : uid }
  }
  throw new CroftError('NOT_FOUND', `${files.guest} knows no "${name}" in ${file}`)
}

/** Paths are words of a command line, names in an archive are bytes. */
export const latin1 = (text: string): string => Buffer.from(text).toString('latin1')
const utf8 = (bytes: string): string => Buffer.from(bytes, 'latin1').toString('utf8')
