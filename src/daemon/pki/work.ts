/** Folders in which keys and certificates are made: gone when these are, or with the next daemon. */
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Env } from '../env.ts'

const prefix = 'work-'
/** Who opens the authority sweeps what another process left, never what is being made beside it. */
const own = `${prefix}${process.pid}-`

export const workFolder = (folder: string, env: Pick<Env, 'id'>): string => join(folder, `${own}${env.id()}`)

/** What a killed daemon was at. */
export async function removeWork(folder: string): Promise<void> {
  for (const name of await readdir(folder))
    if (name.startsWith(prefix) && !name.startsWith(own)) await rm(join(folder, name), { recursive: true, force: true })
}
