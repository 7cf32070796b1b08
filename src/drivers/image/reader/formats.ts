/** Which kind of archive it is, told by what lies in it, and its layers, top first. */
import type { Init } from '../../../api/guest.ts'
import type { ImageFacts, ReadLimits } from '../driver.ts'
import { FileBytes, type Range, StreamBytes } from './bytes.ts'
import { type Flattened, flatten, type Layer, type Write } from './flatten.ts'
import { initOf, readLabel } from './init.ts'
import { decompressed } from './open.ts'
import { cleanPath } from './paths.ts'
import { Refused } from './refused.ts'
import { type Contents, readDocker, readOci, type Stacked, textOf } from './stacks.ts'
import { readTar } from './tar.ts'

/** Folders and metadata of archives of images are few; a root file system has more. */
const indexedFiles = 4096

export async function readImage(archive: Range, limits: ReadLimits, write: Write): Promise<ImageFacts> {
  const found = await index(archive)
  const plain = (below?: string): Layer[] => [
    { open: () => new FileBytes(archive), whiteouts: false, ...(below === undefined ? {} : { below }) },
  ]
  const facts = (format: ImageFacts['format'], { files, bytes }: Flattened, init: Init): ImageFacts => {
    return { format, init, files, bytes }
  }
  if (found.has('index.json') && found.tops.has('blobs')) {
    const stacked = await readOci(found)
    const flat = await flatten(layersOf(stacked, limits), limits, write)
    return facts('oci', flat, initOf(stacked.config, flat))
  }
  if (found.has('manifest.json') && !found.tops.has('etc')) {
    const stacked = await readDocker(found)
    const flat = await flatten(layersOf(stacked, limits), limits, write)
    return facts('docker', flat, initOf(stacked.config, flat))
  }
  if (found.has('croft.json') && found.tops.has('rootfs')) {
    const label = readLabel(found.text('croft.json'))
    return facts('croft', await flatten(plain('rootfs'), limits, write), label.init)
  }
  if (found.has('metadata.yaml') && !found.tops.has('etc')) {
    if (!found.tops.has('rootfs'))
      throw new Refused('this is the half of an image that only describes it: import the one with the files')
    return facts('incus', await flatten(plain('rootfs'), limits, write), { kind: 'system' })
  }
  return facts('rootfs', await flatten(plain(), limits, write), { kind: 'system' })
}

function layersOf(stacked: Stacked, limits: ReadLimits): Layer[] {
  // Headers count too; what the files hold is counted apart.
  const most = limits.bytes + limits.files * 2048
  return stacked.layers
    .map((range): Layer => ({ open: () => new StreamBytes(decompressed(range), most), whiteouts: true }))
    .reverse()
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
    if (entry.kind === 'file' && ranges.size < indexedFiles && !ranges.has(path))
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
