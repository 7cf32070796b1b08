/** Why guests are where they are. */
import type { Explanation, Proposal } from '../../../api/placement.ts'
import type { Daemon } from '../../daemon.ts'
import type { VolumeRecord } from '../../records/app-records.ts'
import { getGuestRecord } from '../../records/guests.ts'
import { keys } from '../../records/keys.ts'
import { type GuestRecord, read } from '../../records/records.ts'
import type { Handlers } from '../handler.ts'

export const handlers = {
  async explainGuest(daemon, { params }): Promise<Explanation> {
    const { value } = await getGuestRecord(daemon, params.guest)
    const { name, host, placed, spec } = value
    const template = spec.root.from.kind === 'template' ? { template: spec.root.from.id } : {}
    const { choose } = await import('../../placing/choose.ts')
    const data = await dataOf(daemon, value)
    const only = data.length > 0 ? { host } : {}
    const now = await choose(daemon, { spec, ...template, ...only, guest: { name, host } })
    const found = { guest: name, host, placed: placed?.host === host ? placed : null, now }
    return data.length > 0 ? { ...found, data } : found
  },

  async balanceFarm(daemon): Promise<readonly Proposal[]> {
    const { proposeBalance } = await import('../../placing/balance.ts')
    return proposeBalance(daemon)
  },
} satisfies Partial<Handlers>

async function dataOf({ store }: Daemon, { host, spec }: GuestRecord): Promise<string[]> {
  const volumes = await Promise.all(
    (spec.volumes ?? []).map(({ id }) => read<VolumeRecord>(store, keys.volume(host, id))),
  )
  return volumes.flatMap((volume) => (volume ? [`${volume.value.site}:${volume.value.name}`] : []))
}
