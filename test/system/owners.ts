/** Which process a test farm belongs to, so that the next run removes what a killed one left. */
import { readdirSync, readFileSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { removeRemnants, type Whereabouts } from './remnants.ts'

export const statePrefix = '/var/tmp/ct'

export const writeOwner = (where: Whereabouts): Promise<void> =>
  writeFile(join(where.stateDir, 'owner'), JSON.stringify({ pid: process.pid, born: bornAt(process.pid), where }))

/** A run that was killed leaves its farms: they name the process that made them. */
export async function removeDeadFarms(): Promise<void> {
  for (const name of readdirSync('/var/tmp').filter((entry) => entry.startsWith(basename(statePrefix)))) {
    const owner = ownerOf(join('/var/tmp', name))
    if (!owner || bornAt(owner.pid) === owner.born) continue
    await removeRemnants(owner.where)
    await rm(join('/var/tmp', name), { recursive: true, force: true })
  }
}

function ownerOf(stateDir: string): { pid: number; born: string; where: Whereabouts } | undefined {
  try {
    return JSON.parse(readFileSync(join(stateDir, 'owner'), 'utf8'))
  } catch {
    return undefined
  }
}

/** Start time of a process, empty when there is none: pids are reused. */
function bornAt(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ')[19] ?? ''
  } catch {
    return ''
  }
}
