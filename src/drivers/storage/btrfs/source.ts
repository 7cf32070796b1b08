/** What a pool lies on: a sparse file that croft makes, or a device that must be empty and named twice. */
import { lstat, mkdir, open, readdir, readFile, realpath, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { CroftError } from '../../../api/errors.ts'
import type { Runner } from '../../exec/command.ts'
import type { PoolSpec } from '../driver.ts'
import * as commands from './commands.ts'
import { absent } from './files.ts'
import { parseMountInfo, parseProbe, storageFailed } from './parse.ts'
import { runOrThrow } from './run.ts'

/** btrfs refuses less than 109 MiB; below this nothing useful fits. */
const leastBytes = 256 * 1024 ** 2

/** Tags of what lies on a file or device; `undefined` when there is nothing at all. */
export type Holder = ReadonlyMap<string, string> | undefined

const labelOf = (spec: PoolSpec): string => `croft-${spec.name}`
export const isOurs = (holder: Holder, spec: PoolSpec): boolean =>
  holder?.get('TYPE') === 'btrfs' && holder.get('LABEL') === labelOf(spec)

/** The file appears under its name only when it is whole: a crash leaves a `.new` that the next try begins anew. */
export async function ensureFile(run: Runner, spec: PoolSpec, wasThere: boolean): Promise<void> {
  if (!(await absent(spec.source))) {
    const holder = await holderOf(run, spec.source)
    if (isOurs(holder, spec)) return
    throw new CroftError(
      'REFUSED',
      `${spec.source} exists and holds ${describe(holder)}, not the pool "${spec.name}"`,
      {
        hint: 'choose another file for the pool',
      },
    )
  }
  if (wasThere) throw lost(spec)
  if (spec.sizeBytes === undefined || spec.sizeBytes < leastBytes) {
    throw new CroftError('BAD_VALUE', 'a pool file needs a size of at least 256M')
  }
  await mkdir(dirname(spec.source), { recursive: true, mode: 0o700 })
  const fresh = `${spec.source}.new`
  await rm(fresh, { force: true })
  const file = await open(fresh, 'wx', 0o600)
  try {
    await file.truncate(spec.sizeBytes - (spec.sizeBytes % 4096))
  } finally {
    await file.close()
  }
  try {
    await runOrThrow(run, commands.makeFileSystem(fresh, labelOf(spec)))
    await rename(fresh, spec.source)
  } catch (thrown) {
    await rm(fresh, { force: true })
    throw thrown
  }
}

export async function ensureDevice(run: Runner, spec: PoolSpec, wasThere: boolean): Promise<void> {
  if (await absent(spec.source)) throw wasThere ? lost(spec) : refused(spec, 'is not there')
  if (!(await lstat(await realpath(spec.source))).isBlockDevice()) throw refused(spec, 'is not a block device')
  const holder = await holderOf(run, spec.source)
  if (isOurs(holder, spec)) return
  const use = await usedBy(run, spec.source, holder)
  if (use !== undefined) throw refused(spec, use)
  if (wasThere) throw lost(spec)
  if (spec.erase !== spec.source) {
    throw new CroftError('NEEDS_CONFIRMATION', `${spec.source} is empty; making a pool of it must be confirmed`, {
      hint: `croft init --pool device --pool-path ${spec.source} --erase ${spec.source}`,
    })
  }
  // mkfs.btrfs without --force is the last guard: it opens the device exclusively and refuses known signatures.
  await runOrThrow(run, commands.makeFileSystem(spec.source, labelOf(spec)))
}

export async function holderOf(run: Runner, path: string): Promise<Holder> {
  if (await absent(path)) return undefined
  const command = commands.probe(path)
  const outcome = await run.outcome(command)
  if (outcome.code === 0) return parseProbe(outcome.stdout)
  if (outcome.code === 2 && outcome.stdout.trim() === '') return undefined
  // 8 is "several answers": certainly not empty.
  if (outcome.code === 8) return new Map([['TYPE', 'several signatures']])
  throw storageFailed(command, outcome)
}

async function usedBy(run: Runner, path: string, holder: Holder): Promise<string | undefined> {
  if (holder !== undefined) return `holds ${describe(holder)}`
  const signs = (await runOrThrow(run, commands.signatures(path))).split('\n').filter((line) => /^[^#\s]/.test(line))
  if (signs.length > 0) return `holds ${signs.length} signature(s): ${signs[0]}`
  const real = await realpath(path)
  const mounts = parseMountInfo(await readFile('/proc/self/mountinfo', 'utf8'))
  const mounted = mounts.find((mount) => mount.source === real || mount.source === path)
  if (mounted) return `is mounted on ${mounted.mountPoint}`
  const sysfs = join('/sys/class/block', basename(real))
  const holders = await readdir(join(sysfs, 'holders')).catch(() => [])
  if (holders.length > 0) return `is used by ${holders.join(', ')}`
  for (const part of await readdir(sysfs)) {
    if (!(await absent(join(sysfs, part, 'partition')))) return `has the partition ${part}`
  }
  return undefined
}

function describe(holder: Holder): string {
  if (!holder) return 'nothing that is known'
  const type = holder.get('TYPE') ?? (holder.has('PTTYPE') ? `a ${holder.get('PTTYPE')} partition table` : 'something')
  const label = holder.get('LABEL')
  return label === undefined ? type : `${type} labelled "${label.slice(0, 60)}"`
}

const refused = (spec: PoolSpec, why: string): CroftError =>
  new CroftError('REFUSED', `${spec.source} ${why}`, {
    hint: `look with "lsblk --fs ${spec.source}"; croft never erases what holds something`,
  })

const lost = (spec: PoolSpec): CroftError =>
  new CroftError('DATA_LOST', `${spec.source}, the pool "${spec.name}", was there and is gone`, {
    hint: 'attach it again: it is mounted by itself; croft pool ls',
  })
