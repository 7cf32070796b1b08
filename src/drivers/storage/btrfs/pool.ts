/** Making, mounting and taking away a pool: three kinds, one life. */
import { lstat, mkdir, readdir, readFile, realpath, rm, rmdir, statfs } from 'node:fs/promises'
import { basename, join, relative } from 'node:path'
import { CroftError } from '../../../api/errors.ts'
import type { Command, Runner } from '../../exec/command.ts'
import type { PoolSpec, PoolState } from '../driver.ts'
import { folders, markerName } from '../layout.ts'
import * as commands from './commands.ts'
import { absent, readJson, writeJson } from './files.ts'
import { findMount, type Mount, parseMountInfo, storageFailed } from './parse.ts'
import { runOrThrow } from './run.ts'
import { ensureDevice, ensureFile, holderOf, isOurs } from './source.ts'

const btrfsMagic = 0x9123683e
/** Lies in the mount point below the mount: seen only when the pool is not mounted, it says that there was one. */
const noteName = 'croft-pool-was-here.json'

export interface OpenPool {
  /** Of the mounted root; another one there means that the pool was unmounted. */
  readonly device: number
  /** /sys/fs/btrfs/UUID of the file system. */
  readonly sysfs: string
  /** The pool's path inside its file system, as `subvolume list` writes it: empty, or ending with `/`. */
  readonly prefix: string
}

export interface PoolLife {
  open(): Promise<OpenPool>
  close(): Promise<void>
  /** After all refs were removed, for kinds whose file system stays. */
  destroy(): Promise<void>
  state(): Promise<PoolState>
}

export function createPoolLife(run: Runner, spec: PoolSpec): PoolLife {
  const marker = join(spec.mountPoint, markerName)
  const note = join(spec.mountPoint, noteName)
  const must = (command: Command) => runOrThrow(run, command)

  async function open(): Promise<OpenPool> {
    if (!(await isMounted(spec))) await mountIt()
    await checkMarker()
    for (const name of Object.values(folders))
      await mkdir(join(spec.mountPoint, name), { recursive: true, mode: 0o700 })
    const mount = await mountOf(spec)
    const sysfs = await sysfsOf(mount)
    if (await absent(join(sysfs, 'qgroups', 'enabled'))) await countWrites()
    return { device: (await lstat(spec.mountPoint)).dev, sysfs, prefix: mount.prefix }
  }

  async function countWrites(): Promise<void> {
    const simple = await run.outcome(commands.enableSimpleQuota(spec.mountPoint))
    if (simple.code !== 0) await must(commands.enableQuota(spec.mountPoint))
  }

  async function mountIt(): Promise<void> {
    if (spec.kind === 'directory') {
      throw new CroftError('REFUSED', `${spec.source} is not on a btrfs file system`, {
        hint: 'give the pool a file or a device: croft init --pool file',
      })
    }
    await mkdir(spec.mountPoint, { recursive: true, mode: 0o700 })
    const wasThere = (await readJson(note)) !== undefined
    if (spec.kind === 'file') await ensureFile(run, spec, wasThere)
    else await ensureDevice(run, spec, wasThere)
    if (!wasThere) await writeJson(note, { format: 1, pool: spec.name })
    const { mountFile, mountDevice } = commands
    await must((spec.kind === 'file' ? mountFile : mountDevice)(spec.source, spec.mountPoint))
  }

  /** A pool is known by its marker; an unmarked one is taken only when it is as empty as mkfs leaves it. */
  async function checkMarker(): Promise<void> {
    const found = await readJson(marker)
    if (found === undefined) {
      const names = await readdir(spec.mountPoint)
      if (names.length > 0 && spec.kind !== 'directory') throw foreign(`holds ${names.slice(0, 5).join(', ')}`)
      const clash = names.filter((name) => (Object.values(folders) as string[]).includes(name))
      if (clash.length > 0) throw foreign(`holds ${clash.join(', ')} and no ${markerName}`)
      await writeJson(marker, { format: 1, pool: spec.name })
    } else if ((found as { pool?: unknown }).pool !== spec.name) {
      throw foreign(`is the pool "${String((found as { pool?: unknown }).pool).slice(0, 60)}"`)
    }
  }

  const foreign = (what: string) =>
    new CroftError('REFUSED', `${spec.mountPoint} ${what}, not the pool "${spec.name}"`, {
      hint: 'choose another directory, or look: croft pool ls',
    })

  async function close(): Promise<void> {
    if (spec.kind === 'directory' || !(await isMounted(spec))) return
    const command = commands.unmount(spec.mountPoint)
    const outcome = await run.outcome(command)
    if (outcome.code === 0) return
    if (!/target is busy/.test(outcome.stderr)) throw storageFailed(command, outcome)
    throw new CroftError('IN_USE', `the pool at ${spec.mountPoint} is in use`, { hint: 'croft stop --all' })
  }

  async function destroy(): Promise<void> {
    if (spec.kind === 'directory') {
      for (const name of Object.values(folders)) await rm(join(spec.mountPoint, name), { recursive: true, force: true })
      await rm(marker, { force: true })
      return
    }
    await close()
    const holder = await holderOf(run, spec.source)
    if (isOurs(holder, spec)) {
      if (spec.kind === 'file') await rm(spec.source, { force: true })
      else await must(commands.wipeBtrfs(spec.source))
    }
    await rm(note, { force: true })
    await rmdir(spec.mountPoint).catch(() => undefined)
  }

  return { open, close, destroy, state: () => stateOf(spec) }
}

async function mountsHere(): Promise<Mount[]> {
  return parseMountInfo(await readFile('/proc/self/mountinfo', 'utf8'))
}

/** A directory pool is "mounted" when it lies on btrfs; the others when btrfs is mounted exactly there. */
export async function isMounted(spec: PoolSpec): Promise<boolean> {
  const path = await realpath(spec.mountPoint).catch(() => undefined)
  if (path === undefined) return false
  if (spec.kind === 'directory') return (await statfs(path)).type === btrfsMagic
  const mount = findMount(await mountsHere(), path)
  return mount?.mountPoint === path && mount.fileSystem === 'btrfs'
}

async function mountOf(spec: PoolSpec): Promise<{ source: string; prefix: string }> {
  const path = await realpath(spec.mountPoint)
  const mount = findMount(await mountsHere(), path)
  if (!mount) throw new CroftError('POOL_MISSING', `nothing is mounted on ${path}`, { hint: 'croft pool ls' })
  const inside = join(mount.root, relative(mount.mountPoint, path))
  return { source: mount.source, prefix: inside === '/' ? '' : `${inside.slice(1).replace(/\/$/, '')}/` }
}

async function sysfsOf(mount: { readonly source: string }): Promise<string> {
  const device = basename(await realpath(mount.source))
  for (const uuid of await readdir('/sys/fs/btrfs')) {
    const folder = join('/sys/fs/btrfs', uuid)
    if (!(await absent(join(folder, 'devices', device)))) return folder
  }
  throw new CroftError('FAILED', `no btrfs in /sys/fs/btrfs is on ${device}`, { hint: 'croft doctor' })
}

async function stateOf(spec: PoolSpec): Promise<PoolState> {
  if (!(await isMounted(spec))) return { mounted: false, totalBytes: null, freeBytes: null }
  const inside = await statfs(spec.mountPoint)
  const total = inside.blocks * inside.bsize
  const free = inside.bavail * inside.bsize
  if (spec.kind !== 'file') return { mounted: true, totalBytes: total, freeBytes: free }
  const [file, below] = await Promise.all([lstat(spec.source), statfs(spec.source)])
  const room = below.bavail * below.bsize
  const growth = Math.max(0, file.size - file.blocks * 512)
  const counted = { mounted: true, totalBytes: total, freeBytes: Math.min(free, room) }
  if (room >= growth) return counted
  const gib = (bytes: number) => `${(bytes / 1024 ** 3).toFixed(1)} GiB`
  return { ...counted, warning: `${spec.source} may grow by ${gib(growth)}, its disk has ${gib(room)} left` }
}
