/** Limits and usage. Read from sysfs without any process; written by one. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CroftError } from '../../../api/errors.ts'
import type { Runner } from '../../exec/command.ts'
import type { DiskUsage } from '../driver.ts'
import * as commands from './commands.ts'
import { absent } from './files.ts'
import { parseCount, parseSubvolumes } from './parse.ts'
import type { OpenPool } from './pool.ts'
import { runOrThrow } from './run.ts'

export interface Qgroups {
  limit(path: string, bytes: number | null, pool: OpenPool): Promise<void>
  /** `path` is below the pool, and exists. */
  usage(path: string, pool: OpenPool): Promise<DiskUsage>
  /** To be called when a path was made or removed: its subvolume is another one now. */
  forget(path: string): void
  /** Takes away qgroups whose subvolume is gone (kernels before 6.12 leave them) and mends an inconsistent count. */
  tidy(sysfs: string): Promise<void>
}

export function createQgroups(run: Runner, pool: string): Qgroups {
  const ids = new Map<string, number>()
  const state: { filling: Promise<void> | undefined; filled: boolean } = { filling: undefined, filled: false }

  /** The first question fills the table for all at once; later ones ask for their own path. */
  async function idOf(path: string, prefix: string): Promise<number> {
    if (!ids.has(path) && !state.filled) {
      state.filling ??= fill(prefix).finally(() => {
        state.filling = undefined
        state.filled = true
      })
      await state.filling
    }
    const known = ids.get(path)
    if (known !== undefined) return known
    const id = Number((await runOrThrow(run, commands.rootId(join(pool, path)))).trim())
    ids.set(path, id)
    return id
  }

  /** A path that is listed twice was invented by a guest; the one that owns it is asked for by itself. */
  async function fill(prefix: string): Promise<void> {
    const rows = parseSubvolumes(await runOrThrow(run, commands.listSubvolumes(pool)))
    const seen = new Set<string>()
    for (const row of rows.filter(({ path }) => path.startsWith(prefix))) {
      const path = row.path.slice(prefix.length)
      if (seen.has(path)) ids.delete(path)
      else ids.set(path, row.id)
      seen.add(path)
    }
  }

  async function usage(path: string, { sysfs, prefix }: OpenPool): Promise<DiskUsage> {
    const folder = join(sysfs, 'qgroups', `0_${await idOf(path, prefix)}`)
    const read = (name: string) => readFile(join(folder, name), 'utf8').then(parseCount)
    try {
      const names = ['referenced', 'limit_flags', 'max_referenced', 'exclusive']
      const [used, flags, most, own] = await Promise.all(names.map(read))
      const limited = ((flags ?? 0) & 1) === 1 && typeof most === 'number' && most > 0
      return { usedBytes: used ?? 0, limitBytes: limited ? most : null, ownBytes: own ?? 0 }
    } catch (cause) {
      throw new CroftError('FAILED', `the use of ${path} is not counted`, { hint: 'croft doctor', cause })
    }
  }

  return {
    async limit(path, bytes, { prefix }) {
      await runOrThrow(run, commands.limitSubvolume(await idOf(path, prefix), bytes, pool))
    },
    usage,
    forget: (path) => void ids.delete(path),
    async tidy(sysfs) {
      // Exit code 1 is usual: what is still being deleted is busy, and gone by the next time.
      await run.outcome(commands.clearStaleQgroups(pool))
      const inconsistent = join(sysfs, 'qgroups', 'inconsistent')
      if (await absent(inconsistent)) return
      if ((await readFile(inconsistent, 'utf8')).trim() === '1') await run.outcome(commands.rescanQuota(pool))
    },
  }
}
