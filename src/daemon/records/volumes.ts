/**
 * Lasting data of a site on this host: a record for each volume, whose disk the passes of its instances make. It goes when
 * somebody says so, and not with the last instance.
 */
import { createHash } from 'node:crypto'
import { CroftError, isCode } from '../../api/errors.ts'
import type { Write } from '../../store/store.ts'
import { type Daemon, getFarm } from '../daemon.ts'
import { timestamp } from '../env.ts'
import type { SiteRecord, VolumeRecord } from './app-records.ts'
import { keys } from './keys.ts'
import type { Part } from './moves.ts'
import { type Held, read, readAll, schemaVersion } from './records.ts'

export interface VolumeWish {
  readonly site: Pick<SiteRecord, 'app' | 'stage' | 'id'>
  /** As croft.toml calls it. */
  readonly name: string
  readonly sizeBytes: number
  /** On which; this one without. */
  readonly host?: string
}

/** Returns its id, for `spec.volumes`. Told another size, it gets that. */
export async function ensureVolume(daemon: Daemon, wish: VolumeWish): Promise<string> {
  for (let tries = 0; ; tries++) {
    const { compare, writes } = await wishVolume(daemon, wish)
    try {
      if (writes.length > 0) await daemon.store.transact(compare, writes)
      return volumeId(wish)
    } catch (thrown) {
      if (!isCode(thrown, 'CHANGED_MEANWHILE') || tries > 50) throw thrown
    }
  }
}

/** Its record as it was, and as it shall be: for the transaction of who has it, so that nothing is left of one that is not made. */
export async function wishVolume(daemon: Daemon, { site, name, sizeBytes, host }: VolumeWish): Promise<Part> {
  const id = volumeId({ site, name })
  const key = keys.volume(host ?? getFarm(daemon).parts.host.name, id)
  const known = await read<VolumeRecord>(daemon.store, key)
  if (known?.value.deleting)
    throw new CroftError('BUSY', `the data "${name}" of ${site.app}/${site.stage} is being removed`)
  const value: VolumeRecord = {
    ...{ schema: schemaVersion, id, site: `${site.app}/${site.stage}`, name },
    created: known?.value.created ?? timestamp(daemon.env),
    sizeBytes,
  }
  const compare = [{ key, revision: known?.revision ?? 0 }]
  return { compare, writes: known?.value.sizeBytes === sizeBytes ? [] : [{ put: key, value }] }
}

/** Of one site, or of all; on whatever hosts. */
export async function listVolumes(daemon: Daemon, site?: string): Promise<readonly Held<VolumeRecord>[]> {
  const all = await readAll<VolumeRecord>(daemon.store, keys.allVolumes)
  return all.filter(({ value }) => site === undefined || value.site === site)
}

/** What it holds is gone when the last guest that has it is: for the removal of a site, with whose data people agreed to part. */
export async function removeVolumes(daemon: Daemon, site: string): Promise<void> {
  for (const { key, value } of await listVolumes(daemon, site)) {
    const write: Write = { put: key, value: { ...value, deleting: true } satisfies VolumeRecord }
    if (!value.deleting) await daemon.store.transact([], [write])
  }
}

/** The same site and name, the same volume, whoever asks at once; a site that was made anew begins with none. */
export const volumeId = ({ site, name }: Pick<VolumeWish, 'site' | 'name'>): string =>
  createHash('sha256').update(`${site.id}/${name}`).digest('hex').slice(0, 32)
