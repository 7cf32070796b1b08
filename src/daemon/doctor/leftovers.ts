/** What lies on this host and is in no record: counted here, listed by `croft host plan`, deleted by nobody. */
import type { Finding } from '../../api/resources.ts'
import { listOrphans } from '../host/plan-host.ts'
import { ok, type Theme, warn } from './finding.ts'

export const leftovers: Theme = {
  name: 'leftovers',
  examine: async (_look, { open }) =>
    open ? judgeLeftovers((await listOrphans(open.parts)).map(({ what }) => what)) : [],
}

export function judgeLeftovers(orphans: readonly string[]): Finding[] {
  if (orphans.length === 0) return [ok('leftovers', 'nothing lies here without a record')]
  const some = `${orphans.slice(0, 3).join(', ')}${orphans.length > 3 ? ', …' : ''}`
  // Lasting data of a site is taken in by nobody.
  const adopts = orphans.some((what) => !what.startsWith('volume '))
  const mend = `croft host plan${adopts ? '; take them in: croft host apply --adopt' : ''}`
  return [warn('leftovers', `${orphans.length} without a record: ${some}`, mend)]
}
