/**
 * Where the farm's store is. Without the marker it is the file of this host; the marker, once written, stays. A file that
 * was moved says so itself, so a daemon that died before it wrote the marker writes it at its next start.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CroftError } from '../../api/errors.ts'
import type { StorePlace } from '../../api/join.ts'
import { replaceFile } from '../replace-file.ts'

export interface StoreMarker extends StorePlace {
  readonly schema: 1
  readonly farm: string
  readonly farmName: string
  /** The name that this host has in the farm. */
  readonly host: string
}

export const markerFileOf = (stateDir: string): string => join(stateDir, 'store.json')

/** Undefined: the store is the file. One that cannot be read is a loss: by the file all of the farm's past would come back. */
export async function findMarker(stateDir: string): Promise<StoreMarker | undefined> {
  const file = markerFileOf(stateDir)
  const text = await readFile(file, 'utf8').catch((thrown: NodeJS.ErrnoException) => {
    if (thrown.code === 'ENOENT') return undefined
    throw thrown
  })
  if (text === undefined) return undefined
  const marker = parse(text)
  if (marker) return marker
  throw new CroftError('DATA_LOST', `${file}, which says where the farm’s store is, cannot be read`, {
    hint: `write it as on another host of the farm, with this host’s name`,
  })
}

export const writeMarker = (stateDir: string, marker: StoreMarker): Promise<void> =>
  replaceFile(markerFileOf(stateDir), `${JSON.stringify(marker, undefined, 2)}\n`)

/** In a farm of several a host keeps the name that it came with. */
export async function named<S extends { readonly stateDir: string; readonly hostName: string }>(
  settings: S,
): Promise<S> {
  const marker = await findMarker(settings.stateDir).catch(() => undefined)
  return marker ? { ...settings, hostName: marker.host } : settings
}

function parse(text: string): StoreMarker | undefined {
  try {
    const marker = JSON.parse(text) as StoreMarker
    const isSound =
      marker.schema === 1 &&
      marker.kind === 'etcd' &&
      typeof marker.host === 'string' &&
      typeof marker.farmName === 'string' &&
      Array.isArray(marker.endpoints) &&
      marker.endpoints.length > 0 &&
      marker.endpoints.every((each) => /^https?:\/\/[0-9a-f.:[\]]+:\d+$/.test(String(each)))
    return isSound ? marker : undefined
  } catch {
    return undefined
  }
}
