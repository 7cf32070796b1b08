/** The store of several hosts: who of its members votes, and what its disk here has left. */

import { statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Finding } from '../../api/resources.ts'
import type { StoreView } from '../../api/store.ts'
import { type Mixed, tooOldText } from '../../plan/versions.ts'
import { findMixed } from '../records/versions.ts'
import { gibibytes, ok, red, warn } from './finding.ts'
import type { Patient } from './patient.ts'

export interface MembersFacts {
  readonly view: StoreView
  readonly diskFreeBytes: number
}

const leastFreeBytes = 100 * 1024 ** 2
const fewFreeBytes = 1024 ** 3

export async function examineMembers({ run, env, settings, store, away }: Patient): Promise<Finding[]> {
  const { viewStore } = await import('../members/view.ts')
  const view = await viewStore({ run, env, settings, store, ...(away ? { away } : {}) })
  const disk = await statfs(dirname(settings.storeFile))
  const mixed = store && !away ? await findMixed(store) : undefined
  return [...judgeMembers({ view, diskFreeBytes: disk.bavail * disk.bsize }), ...judgeVersions(mixed)]
}

export const judgeVersions = (mixed: Mixed | undefined): Finding[] =>
  mixed === undefined
    ? []
    : [
        warn(
          'versions',
          `${tooOldText(mixed.older)} beside croft ${mixed.newest}: what only that can is refused there`,
          `upgrade croft on ${mixed.older[0]?.host} (docs/guides/upgrading.md)`,
        ),
      ]

/** `away` of the view is told by its reason; a member that is away alone leaves the others a majority, or not. */
export function judgeMembers({ view, diskFreeBytes }: MembersFacts): Finding[] {
  const voting = view.members.filter(({ state }) => state === 'leads' || state === 'follows')
  const missing = view.members.filter(({ state }) => state === 'away')
  const told = `etcd, ${voting.length} of ${view.members.length} members vote`
  const room = `its disk here has ${gibibytes(diskFreeBytes)} left`
  if (view.revision === null)
    return [
      red('store', `${told}: ${view.reason ?? 'it does not answer'}`, 'bring the hosts back, or: croft farm store'),
    ]
  if (missing.length > 0) {
    const who = missing.map(({ host, url }) => host || url).join(', ')
    return [warn('store', `${told}; away: ${who}`, 'croft farm store')]
  }
  if (diskFreeBytes < leastFreeBytes) return [red('store', room, 'make room on the disk of /var/lib/croft')]
  if (diskFreeBytes < fewFreeBytes) return [warn('store', room, 'make room on the disk of /var/lib/croft')]
  const advice = view.reason === undefined ? '' : `; ${view.reason}`
  return [ok('store', `${told}, revision ${view.revision}; ${room}${advice}`)]
}
