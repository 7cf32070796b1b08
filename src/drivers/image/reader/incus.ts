/** What Incus and LXD write: images in one archive or in two, and exports of instances. */
import { arch } from 'node:process'
import { type Range, StreamBytes } from './bytes.ts'
import { decompressed } from './open.ts'
import { cleanPath } from './paths.ts'
import { Refused, shown } from './refused.ts'
import type { Contents } from './stacks.ts'
import { contentOf, readTar } from './tar.ts'

/** The two halves of an image, as its own archive or folder holds them. */
interface Split {
  readonly metadata: Range
  readonly rootfs: Range
}

const ends = ['', '.tar', '.tar.xz', '.tar.gz', '.tar.zst', '.tar.bz2']
const metadataNames = ['metadata', 'incus', 'lxd', 'meta'].flatMap((name) => ends.map((end) => `${name}${end}`))
const rootfsNames = [...ends, '.squashfs'].map((end) => `rootfs${end}`)
/** Of the half that describes: its few templates are small. */
const maxMetadataBytes = 64 * 1024 ** 2
const ourNames = arch === 'arm64' ? ['aarch64', 'arm64'] : ['x86_64', 'amd64']

export function splitOf(found: Contents): Split | undefined {
  const named = (names: readonly string[]) => names.flatMap((name) => found.range(name) ?? [])
  const [metadata, otherMetadata] = named(metadataNames)
  const [rootfs, otherRootfs] = named(rootfsNames)
  if (!metadata || !rootfs) return undefined
  if (otherMetadata || otherRootfs) throw new Refused('the archive must hold one image')
  return { metadata, rootfs }
}

/** That what stands beside the files describes an image, and one for this machine. */
export async function assertSplit(metadata: Range): Promise<void> {
  await using bytes = new StreamBytes(decompressed(metadata), maxMetadataBytes)
  for await (const entry of readTar(bytes)) {
    if (cleanPath(entry.path) !== 'metadata.yaml' || entry.kind !== 'file') continue
    const pieces: Buffer[] = []
    for await (const piece of contentOf(entry)) pieces.push(Buffer.from(piece))
    return assertOurs(Buffer.concat(pieces).toString('utf8'))
  }
  throw new Refused('the description of the image holds no metadata.yaml')
}

/** What it says besides, names and files for them, croft sets in each guest itself. */
export function assertOurs(metadata: string): void {
  const said = /^[{\s]*"?architecture"?:\s*["']?([a-z0-9_]+)/m.exec(metadata)?.[1]
  if (said === undefined || ourNames.includes(said)) return
  throw new Refused(`the image is for ${shown(said)}, and this machine is ${ourNames[0]}`)
}

/** Where the files of an exported instance lie. */
export function backupRoot(found: Contents): string {
  if (['container.bin', 'virtual-machine.img', 'virtual-machine.bin'].some((name) => found.has(`backup/${name}`)))
    throw new Refused('this export holds a disk and not its files: export it anew, without --optimized-storage')
  return 'backup/container/rootfs'
}
