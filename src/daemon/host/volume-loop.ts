/** Volumes that shall go, go with the last guest that has them: the disk, then the record. Those that shall not stay for ever. */

import type { VolumeRecord } from '../records/app-records.ts'
import { keys } from '../records/keys.ts'
import { type GuestRecord, readAll } from '../records/records.ts'
import type { HostParts } from './parts.ts'

export interface VolumeLoop {
  nudge(): void
  close(): Promise<void>
}

export const poolOfVolumes = 'default'

export function createVolumeLoop(parts: HostParts): VolumeLoop {
  let busy: Promise<void> | undefined
  let again = false
  let closed = false

  async function look(): Promise<void> {
    while (again && !closed) {
      again = false
      await removeDue(parts)
    }
  }

  function nudge(): void {
    if (closed) return
    again = true
    busy ??= look()
      .catch((thrown) => parts.log.warn({ error: String(thrown) }, 'volumes are not removed; it is tried again'))
      .finally(() => {
        busy = undefined
        if (again) nudge()
      })
  }

  return {
    nudge,
    async close() {
      closed = true
      await busy
    },
  }
}

async function removeDue(parts: HostParts): Promise<void> {
  const { host, store } = parts
  const due = (await readAll<VolumeRecord>(store, keys.volumes(host.name))).filter(({ value }) => value.deleting)
  if (due.length === 0) return
  const guests = await readAll<GuestRecord>(store, keys.guests(host.name))
  const bound = new Set(guests.flatMap(({ value }) => (value.spec.volumes ?? []).map(({ id }) => id)))
  for (const { key, value } of due) {
    if (bound.has(value.id)) continue
    parts.failpoint('removeVolume.before')
    await parts.storage(poolOfVolumes).remove({ kind: 'volume', id: value.id })
    parts.failpoint('removeVolume.after')
    await store.transact([], [{ delete: key }, { delete: keys.volumeStatus(host.name, value.id) }])
  }
}
