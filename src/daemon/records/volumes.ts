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
export async function ensureVolume(daemon: Daemon, { site, name, sizeBytes, host }: VolumeWish): Promise<string> {
  const id = idOf(site.id, name)
  const key = keys.volume(host ?? getFarm(daemon).parts.host.name, id)
  for (let tries = 0; ; tries++) {
    const known = await read<VolumeRecord>(daemon.store, key)
    if (known?.value.deleting)
      throw new CroftError('BUSY', `the data "${name}" of ${site.app}/${site.stage} is being removed`)
    if (known?.value.sizeBytes === sizeBytes) return id
    const made: VolumeRecord = {
      ...{ schema: schemaVersion, id, site: `${site.app}/${site.stage}`, name },
      created: known?.value.created ?? timestamp(daemon.env),
      sizeBytes,
    }
    try {
      await daemon.store.transact([{ key, revision: known?.revision ?? 0 }], [{ put: key, value: made }])
      return id
    } catch (thrown) {
      if (!isCode(thrown, 'CHANGED_MEANWHILE') || tries > 50) throw thrown
    }
  }
}

export const hostOfVolume = ({ key }: Pick<Held<VolumeRecord>, 'key'>): string => key.split('/')[1] ?? ''

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
const idOf = (site: string, name: string): string =>
  createHash('sha256').update(`${site}/${name}`).digest('hex').slice(0, 32)
