/**
 * Archives by two confined programs: a reader, a nobody that sees the archive alone and writes a clean tar; and tar, in a
 * room of its own around the tree. Bytes go from one to the other, never through the daemon.
 */
import { chmod, mkdtemp, open, rm, statfs, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CroftError } from '../../../api/errors.ts'
import { Init } from '../../../api/guest.ts'
import { endBuildsIn, foldersLeft } from '../../exec/orphans.ts'
import { type Pipeline, type StageEnd, startPipeline } from '../../exec/pipeline.ts'
import type { Confinement } from '../confinement.ts'
import type { ImageFacts, ImageOptions, Images, Packing } from '../driver.ts'
import { labelled } from '../label.ts'
import { packCommand, type Room, readerCommand, roomConfig, unpackCommand } from './commands.ts'
import { factsOf, hadNoReader, packFailed, readFailed, unpackFailed } from './parse.ts'
import { enterRoom, forgetTime, leaveRoom } from './room.ts'

const workPrefix = 'croft-image-'
/** What an archive as it is without its compression leaves free on the disk of the host. */
const reserveBytes = 512 * 1024 ** 2

export interface ToolsParts {
  readonly confinement: Confinement
  /** Must let anyone pass, and have room for an archive as it is without its compression. */
  readonly workDir?: string
}

export function createImageTools({ confinement, workDir = '/var/tmp' }: ToolsParts): Images {
  const cgroupOf = (folder: string): string => `${confinement.cgroup}/${folder.slice(-6)}`

  let rooms = 0
  let pruning: Promise<void> = Promise.resolve()

  async function openRoom(root: string, uidBase: number): Promise<Room & AsyncDisposable> {
    rooms += 1
    await pruning
    try {
      return await makeRoom(root, uidBase)
    } catch (thrown) {
      rooms -= 1
      throw thrown
    }
  }

  async function makeRoom(root: string, uidBase: number): Promise<Room & AsyncDisposable> {
    const folder = await mkdtemp(join(workDir, `${workPrefix}${process.pid}-`))
    const room = { folder, root, uidBase, cgroup: cgroupOf(folder) }
    await chmod(folder, 0o711)
    await writeFile(join(folder, 'config'), roomConfig(room), { mode: 0o600 })
    await writeFile(join(folder, 'seccomp'), confinement.seccomp, { mode: 0o644 })
    return { ...room, [Symbol.asyncDispose]: () => closeRoom(folder) }
  }

  async function closeRoom(folder: string): Promise<void> {
    await clearRoom(folder)
    rooms -= 1
    if (rooms > 0) return
    pruning = confinement.prune()
    await pruning
  }

  async function clearRoom(folder: string): Promise<void> {
    await rm(folder, { recursive: true, force: true, maxRetries: 10 })
    await rm(join('/run/lxc/lock', folder), { recursive: true, force: true })
    // Its own alone: others work beside it.
    await confinement.sweep(cgroupOf(folder))
  }

  async function unpack(
    archive: string,
    targetDir: string,
    options: Parameters<Images['unpack']>[2],
  ): Promise<ImageFacts> {
    const { signal, uidBase, limits } = options
    if (signal.aborted) throw cancelled(signal.reason)
    await using room = await openRoom(targetDir, uidBase)
    await using file = await open(archive, 'r')
    await using scratch = await open(join(room.folder, 'scratch'), 'wx+', 0o600)
    await unlink(join(room.folder, 'scratch'))
    // The reader's programs open it once more, as the nobody that they are.
    await scratch.chown(uidBase, uidBase)
    const { bavail, bsize } = await statfs(room.folder)
    const scratchBytes = Math.max(0, bavail * bsize - reserveBytes)
    await enterRoom(targetDir)
    if (signal.aborted) throw cancelled(signal.reason)
    const work = startPipeline([readerCommand(uidBase, limits, scratchBytes), unpackCommand(room)], {
      ...{ signal, stdin: file.fd, extra: [scratch.fd] },
    })
    work.output.resume()
    const [read, unpacked] = await endOf(work, signal)
    if (hadNoReader(read)) throw unpackFailed(unpacked)
    if (read?.code !== 0) throw readFailed(read)
    if (unpacked?.code !== 0) throw unpackFailed(unpacked)
    await leaveRoom(targetDir)
    const { facts } = factsOf(read.stderr)
    return { ...facts, init: Init.parse(facts.init) }
  }

  async function pack(sourceDir: string, label: { readonly init: Init }, options: ImageOptions): Promise<Packing> {
    if (options.signal.aborted) throw cancelled(options.signal.reason)
    const room = await openRoom(sourceDir, options.uidBase)
    try {
      await enterRoom(sourceDir)
      await forgetTime(sourceDir)
      if (options.signal.aborted) throw cancelled(options.signal.reason)
      const work = startPipeline([packCommand(room)], { ...options, timeoutOf: 'silence' })
      const ended = endOf(work, options.signal)
        .then(([end]) => {
          if (end?.code !== 0) throw packFailed(end)
        })
        .finally(() => room[Symbol.asyncDispose]())
      ended.catch(() => work.output.destroy())
      return { output: labelled(label, work.output), ended }
    } catch (thrown) {
      await room[Symbol.asyncDispose]()
      throw thrown
    }
  }

  return {
    name: 'tools',
    unpack,
    pack,
    async sweep() {
      for (const folder of await foldersLeft(workDir, workPrefix)) {
        await endBuildsIn(folder)
        await clearRoom(folder)
      }
      await confinement.sweep(confinement.cgroup)
    },
  }
}

function endOf(work: Pipeline, signal: AbortSignal): Promise<readonly StageEnd[]> {
  return work.ended.catch((thrown: unknown) => {
    throw signal.aborted ? cancelled(thrown) : thrown
  })
}

const cancelled = (cause: unknown): CroftError =>
  new CroftError('CANCELLED', 'the work on the archive was cancelled', { cause })
