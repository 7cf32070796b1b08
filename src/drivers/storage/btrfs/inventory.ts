/** What lies on the pool, by folders alone: no process, and nothing below a root is opened. */
import { lstat, readdir, rm, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Holdings, Inventory } from '../driver.ts'
import { folders, guestPath, isId, isNumber, manifestPath } from '../layout.ts'
import { readJson } from './files.ts'
import { isSubvolume } from './subvolumes.ts'

export async function readInventory(pool: string): Promise<Inventory> {
  const numbers = (await namesIn(join(pool, folders.guests)))
    .filter((name) => /^[1-9]\d{0,4}$/.test(name) && isNumber(Number(name)))
    .map(Number)
    .sort((a, b) => a - b)
  const templates = await refsIn(join(pool, folders.templates))
  return {
    templates: await Promise.all(
      templates.map(async (id) => ({ id, manifest: await manifestOf(pool, { template: id }) })),
    ),
    guests: await Promise.all(numbers.map(async (number) => ({ number, ...(await readHoldings(pool, number)) }))),
    volumes: await Promise.all(
      (await refsIn(join(pool, folders.volumes))).map(async (id) => ({
        id,
        manifest: await manifestOf(pool, { volume: id }),
      })),
    ),
    staging: await refsIn(join(pool, folders.staging)),
  }
}

export async function readHoldings(pool: string, number: number): Promise<Holdings> {
  const folder = join(pool, guestPath(number))
  return {
    roots: await refsIn(join(folder, 'roots')),
    snapshots: await refsIn(join(folder, 'snapshots')),
    manifest: await manifestOf(pool, { guest: number }),
  }
}

/** The folder of a guest without any root or snapshot goes, manifest first. */
export async function removeEmptyGuest(folder: string): Promise<void> {
  const held = [...(await namesIn(join(folder, 'roots'))), ...(await namesIn(join(folder, 'snapshots')))]
  if (held.length > 0) return
  for (const name of ['guest.json', 'guest.json.new']) await rm(join(folder, name), { force: true })
  for (const path of [join(folder, 'roots'), join(folder, 'snapshots'), folder]) await removeFolder(path)
}

async function removeFolder(path: string): Promise<void> {
  try {
    await rmdir(path)
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'ENOENT') throw thrown
  }
}

async function refsIn(folder: string): Promise<string[]> {
  const ids = (await namesIn(folder)).filter(isId).sort()
  const real = await Promise.all(ids.map((id) => isSubvolume(join(folder, id)).catch(() => false)))
  return ids.filter((_, index) => real[index])
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder)
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw thrown
  }
}

const manifestOf = async (pool: string, of: Parameters<typeof manifestPath>[0]): Promise<unknown> =>
  (await readJson(join(pool, manifestPath(of)))) ?? null

export const deviceOf = async (path: string): Promise<number | undefined> =>
  (await lstat(path).catch(() => undefined))?.dev
