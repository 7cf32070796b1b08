/** What the tools and the kernel say, under LC_ALL=C. */
import { CroftError } from '../../../api/errors.ts'
import type { Command, Outcome } from '../../exec/command.ts'
import { commandFailed } from '../../exec/runner.ts'

export interface Mount {
  /** The folder of the file system that is mounted: `/`, or a subvolume. */
  readonly root: string
  readonly mountPoint: string
  readonly fileSystem: string
  readonly source: string
}

export interface Subvolume {
  readonly id: number
  readonly topLevel: number
  readonly path: string
}

export function parseMountInfo(text: string): Mount[] {
  const mounts: Mount[] = []
  for (const line of text.split('\n')) {
    const [left, right] = line.split(' - ')
    const [root, mountPoint] = left?.split(' ').slice(3, 5) ?? []
    const [fileSystem, source] = right?.split(' ') ?? []
    if (root === undefined || mountPoint === undefined || fileSystem === undefined || source === undefined) continue
    mounts.push({ root: plainPath(root), mountPoint: plainPath(mountPoint), fileSystem, source: plainPath(source) })
  }
  return mounts
}

/** The mount that a path is in: the longest mount point above it, and of equal ones the one mounted last. */
export function findMount(mounts: readonly Mount[], path: string): Mount | undefined {
  let found: Mount | undefined
  for (const mount of mounts) {
    const inside = path === mount.mountPoint || path.startsWith(mount.mountPoint.replace(/\/*$/, '/'))
    if (inside && mount.mountPoint.length >= (found?.mountPoint.length ?? 0)) found = mount
  }
  return found
}

const plainPath = (text: string): string =>
  text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))

/** `blkid --output export`. */
export function parseProbe(text: string): ReadonlyMap<string, string> {
  const pairs = text.split('\n').flatMap((line): [string, string][] => {
    const at = line.indexOf('=')
    return at > 0 ? [[line.slice(0, at), line.slice(at + 1)]] : []
  })
  return new Map(pairs)
}

/**
 * `btrfs subvolume list`. A guest that could make subvolumes chose their names, and a name may hold a newline: rows can
 * be invented. An id from here is a candidate, to be confirmed by `subvolid-resolve` before anything is deleted.
 */
export function parseSubvolumes(text: string): Subvolume[] {
  const rows: Subvolume[] = []
  for (const match of text.matchAll(/^ID (\d{1,15}) gen \d+ top level (\d{1,15}) path (.*)$/gm)) {
    rows.push({ id: Number(match[1]), topLevel: Number(match[2]), path: match[3] ?? '' })
  }
  return rows
}

/**
 * `btrfs subvolume list -R`: paths of guests' own disks that say they came from another pool. Those are written by guests, and
 * croft makes none so; snapshots and templates, which nobody writes, may.
 */
export function parsePosing(text: string): string[] {
  const rows = text.matchAll(/^ID \d+ gen \d+ top level \d+ received_uuid ([0-9a-f-]{36}) +path (.*)$/gm)
  return [...rows].map(([, , path = '']) => path).filter((path) => /(^|\/)(guests\/\d+\/roots|volumes)\//.test(path))
}

/** A qgroup's number from its file in sysfs; limits that are not set read as null. */
export function parseCount(text: string): number | null {
  const value = Number(text.trim())
  return Number.isSafeInteger(value) && value >= 0 ? value : null
}

export const saysNotEmpty = (outcome: Outcome): boolean =>
  /Directory not empty|Read-only file system|Disk quota exceeded/.test(outcome.stderr)
export const saysGone = (outcome: Outcome): boolean =>
  /No such file or directory|Could not statfs|subvolume id \d+ not found/i.test(outcome.stderr)

/** The failure of a storage command as the code it deserves. */
export function storageFailed(command: Command, outcome: Outcome): CroftError {
  const cause = commandFailed(command, outcome)
  if (/No space left on device|Disk quota exceeded/.test(outcome.stderr)) {
    return new CroftError('POOL_FULL', `the pool has no room left\n${cause.message}`, { hint: 'croft pool ls', cause })
  }
  return cause
}
