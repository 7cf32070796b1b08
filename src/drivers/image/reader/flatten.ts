/** From layers, top first, to one clean archive: nothing twice, nothing outside, hard links last. */
import type { ReadLimits } from '../driver.ts'
import type { Bytes } from './bytes.ts'
import { cleanPath, nameOf, parentOf } from './paths.ts'
import { Refused, shown } from './refused.ts'
import { contentOf, padding, readTar, type TarEntry } from './tar.ts'
import { Tree } from './tree.ts'
import { tarEnd, tarHeader } from './write.ts'

export type Write = (bytes: Buffer) => Promise<void>

export interface Layer {
  readonly open: () => Bytes
  /** Only what lies below this folder counts, without its name. */
  readonly below?: string
  /** Names that begin with `.wh.` take away what lower layers have. */
  readonly whiteouts: boolean
}

export interface Flattened {
  readonly files: number
  readonly bytes: number
  /** What the tree says of its users, for commands that run as one of them. */
  readonly passwd: string
  readonly group: string
  readonly hasInit: boolean
}

const keptFiles = { 'etc/passwd': 'passwd', 'etc/group': 'group' } as const
const keptBytes = 1024 * 1024
const inits = ['sbin/init', 'usr/sbin/init']

export async function flatten(layers: readonly Layer[], limits: ReadLimits, write: Write): Promise<Flattened> {
  const tree = new Tree(limits)
  const links: TarEntry[] = []
  const kept = { passwd: '', group: '' }
  for (const layer of layers) {
    await using bytes = layer.open()
    for await (const raw of readTar(bytes)) {
      const entry = placed(raw, layer.below)
      if (!entry || (layer.whiteouts && isWhiteout(tree, entry.path))) continue
      assertKind(entry)
      if (entry.kind === 'device' || !tree.take(entry)) continue
      if (entry.kind === 'link') links.push(entry)
      else await pass(entry, contentOf(raw), { write, kept })
    }
    tree.nextLayer()
  }
  const linked = new Set<string>()
  for (const link of links) {
    if (tree.kindOf(link.target) !== 'file' && !linked.has(link.target))
      throw new Refused(`${shown(link.path)} is a hard link to ${shown(link.target)}, which is no file of the archive`)
    linked.add(link.path)
    await write(tarHeader(link))
  }
  await write(tarEnd())
  const hasInit = inits.some((path) => tree.kindOf(path) !== undefined) || tree.kindOf('sbin') === 'symlink'
  return { files: tree.files, bytes: tree.bytes, ...kept, hasInit }
}

/** With its clean name; undefined for the root itself and what lies elsewhere. */
function placed(entry: TarEntry, below: string | undefined): TarEntry | undefined {
  const path = inside(cleanPath(entry.path), below)
  if (path === undefined || path === '') return undefined
  if (entry.kind !== 'link') return { ...entry, path }
  const target = inside(cleanPath(entry.target), below)
  if (!target) throw new Refused(`${shown(path)} is a hard link to ${shown(entry.target)}, outside of the tree`)
  return { ...entry, path, target }
}

function inside(path: string, below: string | undefined): string | undefined {
  if (below === undefined) return path
  if (path === below) return ''
  return path.startsWith(`${below}/`) ? path.slice(below.length + 1) : undefined
}

function isWhiteout(tree: Tree, path: string): boolean {
  const name = nameOf(path)
  if (!name.startsWith('.wh.')) return false
  const folder = parentOf(path)
  if (name === '.wh..wh..opq') tree.makeOpaque(folder)
  else if (!name.startsWith('.wh..wh.')) tree.whiteOut(folder === '' ? name.slice(4) : `${folder}/${name.slice(4)}`)
  return true
}

/** A guest's /dev is made at each start: nodes in it are left out. Anywhere else they are an attack. */
function assertKind({ kind, path, target }: TarEntry): void {
  if (kind === 'device' && !path.startsWith('dev/')) throw new Refused(`${shown(path)} is a device node`)
  if (kind === 'symlink' && (target === '' || target.length > 4000 || target.includes('\0')))
    throw new Refused(`${shown(path)} is a link to nowhere`)
}

interface Sinks {
  readonly write: Write
  readonly kept: { passwd: string; group: string }
}

async function pass(entry: TarEntry, content: AsyncIterable<Buffer>, { write, kept }: Sinks): Promise<void> {
  await write(tarHeader(entry))
  const keep = entry.size <= keptBytes ? (keptFiles as Record<string, keyof typeof kept>)[entry.path] : undefined
  for await (const piece of content) {
    await write(piece)
    if (keep) kept[keep] += piece.toString('latin1')
  }
  await write(Buffer.alloc(padding(entry.size)))
}
