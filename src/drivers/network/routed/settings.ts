/**
 * Kernel settings of the network namespace this process runs in, as files below /proc/sys. A file that is not there
 * (IPv6 switched off; neighbour limits outside the first namespace) is passed over: there is nothing to set.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CroftError } from '../../../api/errors.ts'

export async function readSetting(root: string, path: string): Promise<string | undefined> {
  try {
    return (await readFile(join(root, path), 'utf8')).trim()
  } catch (thrown) {
    if (isAbsent(thrown)) return undefined
    throw new CroftError('FAILED', `cannot read ${path}`, { cause: thrown })
  }
}

/** What had to change, as `path: old → new`; empty when it stood already. */
export async function ensureSetting(root: string, path: string, wanted: string): Promise<string[]> {
  const found = await readSetting(root, path)
  if (found === undefined || found === wanted) return []
  try {
    await writeFile(join(root, path), wanted)
  } catch (thrown) {
    throw new CroftError('FAILED', `cannot set ${path} to ${wanted}`, { hint: 'croft doctor', cause: thrown })
  }
  return [`${path.replaceAll('/', '.')}: ${found} → ${wanted}`]
}

/** Raises a number, never lowers what somebody set higher. */
export async function ensureAtLeast(root: string, path: string, wanted: number): Promise<string[]> {
  const found = await readSetting(root, path)
  return found === undefined || Number(found) >= wanted ? [] : ensureSetting(root, path, String(wanted))
}

const isAbsent = (thrown: unknown): boolean => thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT'
