/** What no template may hold. The tree was made by others: it is walked without following anything. */
import { createHash } from 'node:crypto'
import { lstat, readlink } from 'node:fs/promises'
import { CroftError } from '../../api/errors.ts'
import { type Entry, lstatMaybe, onDisk, resolveInside, walk } from './walk.ts'

export interface TreeFacts {
  readonly files: number
  readonly sizeBytes: number
  readonly sha256: string
}

export interface TreeLimits {
  readonly files: number
  readonly bytes: number
}

export const usualLimits: TreeLimits = { files: 1_000_000, bytes: 32 * 1024 ** 3 }

/** Throws TEMPLATE_UNSAFE naming up to five faults. Guests that run one command of their own need no init. */
export async function checkTemplate(
  rootDir: string,
  limits: TreeLimits = usualLimits,
  init: 'system' | 'command' = 'system',
): Promise<TreeFacts> {
  const faults: string[] = init === 'system' ? await missing(rootDir) : []
  const device = (await lstat(rootDir)).dev
  const hash = createHash('sha256')
  let files = 0
  let sizeBytes = 0
  for await (const entry of walk(rootDir)) {
    files += 1
    if (!entry.stats.isDirectory()) sizeBytes += entry.stats.size
    const fault = faultOf(entry, device)
    if (fault) faults.push(`${printable(entry.path)} ${fault}`)
    if (files > limits.files) faults.push(`more than ${limits.files} files`)
    if (sizeBytes > limits.bytes) faults.push(`more than ${limits.bytes} bytes`)
    if (faults.length >= 5 || files > limits.files || sizeBytes > limits.bytes) break
    hash.update(await lineOf(rootDir, entry))
  }
  if (faults.length > 0) throw unsafe(faults)
  return { files, sizeBytes, sha256: hash.digest('hex') }
}

function faultOf({ path, stats }: Entry, device: number): string | undefined {
  if (stats.isBlockDevice() || stats.isCharacterDevice()) return 'is a device node'
  if (stats.dev !== device) return 'is another file system or subvolume'
  if (stats.isFile() && (stats.mode & 0o6000) !== 0 && (stats.mode & 0o002) !== 0)
    return 'is setuid and anyone may write it'
  if (path === 'etc/hostname') return 'names a host'
  if (/^etc\/ssh\/ssh_host_.*_key$/.test(path)) return 'is a private key of a host'
  const isMachineId = path === 'etc/machine-id' || path === 'var/lib/dbus/machine-id'
  if (isMachineId && !stats.isSymbolicLink() && !(stats.isFile() && stats.size === 0)) return 'is an identity'
  return undefined
}

async function missing(rootDir: string): Promise<string[]> {
  const init = await resolveInside(rootDir, 'sbin/init')
  const stats = init === undefined ? undefined : await lstatMaybe(onDisk(rootDir, init))
  return stats?.isFile() && (stats.mode & 0o111) !== 0 ? [] : ['sbin/init is missing']
}

async function lineOf(rootDir: string, { path, stats }: Entry): Promise<string> {
  const target = stats.isSymbolicLink() ? await readlink(onDisk(rootDir, path), { encoding: 'latin1' }) : ''
  const size = stats.isFile() ? stats.size : 0
  return `${stats.mode.toString(8)} ${stats.uid} ${stats.gid} ${size} ${JSON.stringify([path, target])}\n`
}

const printable = (path: string): string => path.replace(/[^\x21-\x7e]/g, '?').slice(0, 120)

const unsafe = (faults: readonly string[]): CroftError =>
  new CroftError('TEMPLATE_UNSAFE', `the template holds what no template may hold\n${faults.slice(0, 5).join('\n')}`, {
    hint: 'let the build script take it away, and build again',
  })
