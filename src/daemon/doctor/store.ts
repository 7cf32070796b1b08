/** The store: it answers, its pages are whole, and its disk has room. */
import { stat, statfs } from 'node:fs/promises'
import type { Finding } from '../../api/resources.ts'
import { keptFileOf } from '../settings.ts'
import { findMarker } from '../store-move/place.ts'
import { gibibytes, ok, red, type Theme, warn } from './finding.ts'

export interface StoreFacts {
  readonly kind: string
  readonly revision: number
  readonly sizeBytes: number
  readonly diskFreeBytes: number
  /** What is wrong with its pages; undefined when they are whole, or were not looked at. */
  readonly damage: string | undefined
}

const leastFreeBytes = 100 * 1024 ** 2
const fewFreeBytes = 1024 ** 3
const largeBytes = 2 * 1024 ** 3
const lookAtMostBytes = 64 * 1024 ** 2

export const storeHealth: Theme = {
  name: 'store',
  async examine(_look, patient) {
    const { store, away, settings } = patient
    if (await findMarker(settings.stateDir)) return (await import('./store-members.ts')).examineMembers(patient)
    const { storeFile } = settings
    if (away) return [judgeAway(away.message, storeFile, keptFileOf(settings))]
    if (!store) return []
    const { revision } = await store.get('farm')
    const [disk, file] = await Promise.all([statfs(storeFile), stat(storeFile)])
    return judgeStore({
      kind: store.kind,
      revision,
      sizeBytes: file.size,
      diskFreeBytes: disk.bavail * disk.bsize,
      // Looking stops the daemon for a moment; a large store was looked at when it opened.
      damage: file.size > lookAtMostBytes ? undefined : await store.findDamage?.(),
    })
  },
}

/** Guests run on meanwhile, and the daemon takes the store by itself when it is back. */
export function judgeAway(why: string, storeFile: string, keptFile: string): Finding {
  const anew = `to begin anew instead: rm ${keptFile} ${storeFile}*, restart the daemon, croft init, croft host apply --adopt`
  return red('store', why, `put ${storeFile} and its -wal back as they were, it is taken by itself; ${anew}`)
}

export function judgeStore({ kind, revision, sizeBytes, diskFreeBytes, damage }: StoreFacts): Finding[] {
  const room = `its disk has ${gibibytes(diskFreeBytes)} left`
  if (damage !== undefined)
    return [red('store', `damaged: ${damage}`, 'copy the folder of the store away, then restore a backup of it')]
  if (diskFreeBytes < leastFreeBytes) return [red('store', room, 'make room on the disk of /var/lib/croft')]
  if (diskFreeBytes < fewFreeBytes) return [warn('store', room, 'make room on the disk of /var/lib/croft')]
  if (sizeBytes > largeBytes) return [warn('store', `${kind} has grown to ${gibibytes(sizeBytes)}`)]
  return [ok('store', `${kind} at revision ${revision}, ${gibibytes(sizeBytes)}; ${room}`)]
}
