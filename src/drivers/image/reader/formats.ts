/** Which kind of archive it is, told by what lies in it, and its layers, top first. */
import type { Init } from '../../../api/guest.ts'
import type { ImageFacts, ReadLimits } from '../driver.ts'
import { FileBytes, type Range, StreamBytes } from './bytes.ts'
import { type Flattened, flatten, type Layer, type Write } from './flatten.ts'
import { assertOurs, assertSplit, backupRoot, splitOf } from './incus.ts'
import { initOf, readLabel } from './init.ts'
import { decompressed, formOf, type Scratch, unsquashed } from './open.ts'
import { cleanPath } from './paths.ts'
import { Refused } from './refused.ts'
import { type Contents, readDocker, readOci, type Stacked, textOf } from './stacks.ts'
import { readTar } from './tar.ts'

export interface Reading {
  readonly limits: ReadLimits
  readonly scratch: Scratch
  readonly write: Write
}

/** Folders and metadata of archives of images are few; a root file system has more. */
const indexedFiles = 4096
const system: Init = { kind: 'system' }

export async function readImage(archive: Range, reading: Reading): Promise<ImageFacts> {
  if (formOf(archive) === 'squashfs') return factsOf('rootfs', await flat([packed(archive, reading)], reading), system)
  const found = await index(archive)
  const plain = (below?: string): Promise<Flattened> =>
    flat([{ open: () => new FileBytes(archive), whiteouts: false, ...(below === undefined ? {} : { below }) }], reading)
  if (found.has('index.json') && found.tops.has('blobs')) return stacked('oci', await readOci(found), reading)
  if (found.has('manifest.json') && !found.tops.has('etc')) return stacked('docker', await readDocker(found), reading)
  if (found.has('croft.json') && found.tops.has('rootfs'))
    return factsOf('croft', await plain('rootfs'), readLabel(found.text('croft.json')).init)
  if (found.has('metadata.yaml') && !found.tops.has('etc')) {
    assertOurs(found.text('metadata.yaml'))
    if (!found.tops.has('rootfs'))
      throw new Refused(
        'this is the half of an image that only describes it: name the one with the files first, and this one after it',
      )
    return factsOf('incus', await plain('rootfs'), system)
  }
  if (found.has('backup/index.yaml')) return factsOf('incus', await plain(backupRoot(found)), system)
  const split = splitOf(found)
  if (!split) return factsOf('rootfs', await plain(), system)
  await assertSplit(split.metadata)
  return factsOf('incus', await flat([packed(split.rootfs, reading)], reading), system)
}

const factsOf = (format: ImageFacts['format'], { files, bytes }: Flattened, init: Init): ImageFacts => {
  return { format, init, files, bytes }
}

const flat = (layers: readonly Layer[], { limits, write }: Reading): Promise<Flattened> =>
  flatten(layers, limits, write)

/** Headers count too; what the files hold is counted apart. */
const most = ({ limits }: Reading): number => limits.bytes + limits.files * 2048

/** A root that is compressed, or a squashfs. */
const packed = (range: Range, reading: Reading): Layer => ({
  open: () =>
    new StreamBytes(
      formOf(range) === 'squashfs' ? unsquashed(range, reading.scratch) : decompressed(range),
      most(reading),
    ),
  whiteouts: false,
})

async function stacked(format: 'oci' | 'docker', { layers, config }: Stacked, reading: Reading): Promise<ImageFacts> {
  const open = (range: Range) => () => new StreamBytes(decompressed(range), most(reading))
  const topFirst = layers.map((range): Layer => ({ open: open(range), whiteouts: true })).reverse()
  const tree = await flat(topFirst, reading)
  return factsOf(format, tree, initOf(config, tree))
}

interface Index extends Contents {
  /** First parts of all names. */
  readonly tops: ReadonlySet<string>
}

/** A first walk over the headers: what lies where. */
async function index(archive: Range): Promise<Index> {
  const bytes = new FileBytes(archive)
  const ranges = new Map<string, Range>()
  const tops = new Set<string>()
  for await (const entry of readTar(bytes)) {
    const path = cleanPath(entry.path)
    if (tops.size < indexedFiles) tops.add(path.split('/')[0] ?? '')
    if (entry.kind === 'file' && !entry.hasHoles && ranges.size < indexedFiles && !ranges.has(path))
      ranges.set(path, { fd: archive.fd, from: bytes.position, to: bytes.position + entry.size })
  }
  return {
    tops,
    has: (path) => ranges.has(path),
    range: (path) => ranges.get(path),
    text(path) {
      const range = ranges.get(path)
      if (!range) throw new Refused(`the archive names ${JSON.stringify(path.slice(0, 120))} and does not hold it`)
      return textOf(range)
    },
  }
}
