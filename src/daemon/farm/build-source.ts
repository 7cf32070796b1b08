/** The code of a build: brought into its guest, and read there. Nothing of it is ever opened outside. */
import { createReadStream } from 'node:fs'
import type { AppConfig } from '../../api/app.ts'
import { CroftError } from '../../api/errors.ts'
import { largestConfigBytes } from '../../plan/build.ts'
import type { Where } from '../../plan/config/placed.ts'
import { getFarm } from '../daemon.ts'
import { assertHash } from '../host/make-template.ts'
import { nearHost } from '../near.ts'
import { fetchFile, withoutQuery } from '../uploads/fetch.ts'
import type { BuildGuest, GuestWork } from './build-guest.ts'

/** As an archive that this host holds until the build has ended. */
export interface Source {
  readonly upload: string
  readonly tag?: string
  readonly commit?: string
  readonly dirty?: true
}

export interface Checkout {
  /** Hash of paths, modes and content. */
  readonly tree: string
  /** croft.toml, or what the platform's own files tell. */
  readonly config: AppConfig
  readonly where?: Where
}

export const largestArchive = 8 * 1024 ** 3

export async function takeSource(work: GuestWork): Promise<Source> {
  const { source } = work.record
  if (source.kind === 'upload') {
    const { upload, commit, dirty } = source
    return { upload, ...(commit === undefined ? {} : { commit }), ...(dirty ? { dirty } : {}) }
  }
  if (source.kind === 'git') return (await import('./build-git.ts')).fetchGit(work, source)
  const { uploads, farm, elsewhere } = getFarm(work.daemon).parts
  const forbids = source.byRoot ? {} : { forbids: nearHost({ ...farm, hosts: elsewhere.hosts() }) }
  const { body } = await fetchFile(source.url, { maxBytes: largestArchive, signal: work.signal, ...forbids })
  const { id, sha256 } = await uploads.receive(body, largestArchive)
  uploads.claim(id)
  try {
    assertHash(source.sha256, sha256)
  } catch (thrown) {
    await uploads.remove(id)
    throw thrown
  }
  return { upload: id }
}

export function describeSource(source: GuestWork['record']['source']): string {
  if (source.kind === 'git') return `${source.url} ${source.ref}`
  return source.kind === 'url' ? withoutQuery(source.url).slice(0, 200) : source.about
}

export async function unpack({ daemon }: GuestWork, guest: BuildGuest, upload: string): Promise<void> {
  const file = getFarm(daemon).parts.uploads.find(upload)
  if (!file) throw new CroftError('CANCELLED', 'the file that was sent is gone', { hint: 'send it again' })
  const stdin = createReadStream(file.path, { highWaterMark: 256 * 1024 })
  await guest.run(['sh', '-c', unpackScript], { stdin, as: 'the unpacking' })
}

/** Compressed or not; what lies in one folder of its own, as archives of tags do, comes out of it. */
const unpackScript = `set -eu
cat >/var/tmp/source
tar -x -f /var/tmp/source --no-same-owner --no-same-permissions
rm /var/tmp/source
set -- * .[!.]*
if [ -d "$1" ] && [ ! -L "$1" ] && [ -f "$1/croft.toml" ] && [ "$#" = 2 ] && [ ! -e "$2" ]; then
  mv -- "$1" "/var/tmp/checkout"
  find /var/tmp/checkout -mindepth 1 -maxdepth 1 -exec mv -t . -- {} +
  rmdir /var/tmp/checkout
fi
`

export async function readCheckout(work: GuestWork, guest: BuildGuest): Promise<Checkout> {
  const tree = (await textOf(guest, ['sh', '-c', treeScript], 1024)).split(' ')[0] ?? ''
  return { tree, ...(work.record.config ? { config: work.record.config } : await readConfig(guest)) }
}

const treeScript = `set -eu
{
  find . -mindepth 1 -path ./.git -prune -o -printf '%y %m %p %l\\0' | LC_ALL=C sort -z
  find . -path ./.git -prune -o -type f -print0 | LC_ALL=C sort -z | xargs -0 -r sha256sum -z --
} | sha256sum
`

export async function readConfig(guest: BuildGuest): Promise<Omit<Checkout, 'tree'>> {
  const files = await listFiles(guest)
  if (files.includes('croft.toml')) {
    const { readAppFile } = await import('../../plan/config/parse.ts')
    return readAppFile(await readText(guest, 'croft.toml'), 'croft.toml')
  }
  const { detectPlatform, isTelling } = await import('../../plan/platforms/table.ts')
  const texts = new Map<string, string>()
  for (const name of files.filter(isTelling)) texts.set(name, await readText(guest, name))
  const detected = detectPlatform(files, (path) => texts.get(path))
  if (detected) return { config: detected.config }
  throw new CroftError('BAD_VALUE', 'there is no croft.toml, and nothing tells what it is', {
    hint: 'write a croft.toml: croft help toml',
  })
}

async function listFiles(guest: BuildGuest): Promise<string[]> {
  const words = ['find', '.', '-mindepth', '1', '-maxdepth', '3', '-name', '.git', '-prune', '-o']
  const text = await textOf(guest, [...words, '-type', 'f', '-printf', '%P\\0'], 8 * 1024 ** 2)
  return text.split('\0').filter((path) => path !== '')
}

async function readText(guest: BuildGuest, path: string): Promise<string> {
  return textOf(guest, ['cat', '--', path], largestConfigBytes)
}

export async function textOf(guest: BuildGuest, words: readonly string[], maxBytes: number): Promise<string> {
  const chunks: Uint8Array[] = []
  await guest.run(words, { maxBytes, onBytes: (bytes) => chunks.push(bytes) })
  return Buffer.concat(chunks).toString('utf8')
}
