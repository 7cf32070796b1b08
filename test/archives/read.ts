/** Archives through the reader, without its confinement: what tar would be given. */
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ImageFacts } from '../../src/drivers/image/driver.ts'
import { FileBytes } from '../../src/drivers/image/reader/bytes.ts'
import { readImage } from '../../src/drivers/image/reader/formats.ts'
import { openArchive } from '../../src/drivers/image/reader/open.ts'
import { contentOf, readTar } from '../../src/drivers/image/reader/tar.ts'

export const smallLimits = { bytes: 8 * 1024 ** 2, files: 1000 }

export interface Read {
  readonly facts: ImageFacts
  /** What tar would unpack, in order, with the content of files. */
  readonly tree: ReadonlyMap<string, string>
}

export async function read(archive: Buffer, within = smallLimits): Promise<Read> {
  const folder = mkdtempSync(join(tmpdir(), 'croft-reader-'))
  const opened = (name: string, content: Buffer): number => {
    writeFileSync(join(folder, name), content)
    return openSync(join(folder, name), 'r+')
  }
  const [fd, aside] = [opened('archive', archive), opened('scratch', Buffer.alloc(0))]
  const out: Buffer[] = []
  try {
    const scratch = { fd: aside, maxBytes: within.bytes + within.files * 2048 }
    const write = async (bytes: Buffer) => void out.push(Buffer.from(bytes))
    const facts = await readImage(await openArchive(fd, scratch), { limits: within, scratch, write })
    const tar = opened('tar', Buffer.concat(out))
    const tree = await listed(tar, out)
    closeSync(tar)
    return { facts, tree }
  } finally {
    closeSync(fd)
    closeSync(aside)
    rmSync(folder, { recursive: true, force: true })
  }
}

async function listed(fd: number, out: readonly Buffer[]): Promise<Map<string, string>> {
  const tree = new Map<string, string>()
  const to = out.reduce((sum, { length }) => sum + length, 0)
  for await (const entry of readTar(new FileBytes({ fd, from: 0, to }))) {
    let content = ''
    if (entry.kind === 'file') for await (const piece of contentOf(entry)) content += piece.toString()
    tree.set(entry.path.replace(/\/$/, ''), entry.kind === 'file' ? content : `${entry.kind} ${entry.target}`.trim())
  }
  return tree
}
