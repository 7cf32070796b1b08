/** Why guests are where they are. */
import type { Explanation, Proposal } from '../../../api/placement.ts'
import { getGuestRecord } from '../../records/guests.ts'
import type { Handlers } from '../handler.ts'

export const handlers = {
  async explainGuest(daemon, { params }): Promise<Explanation> {
    const { value } = await getGuestRecord(daemon, params.guest)
    const { name, host, placed, spec } = value
    const template = spec.root.from.kind === 'template' ? { template: spec.root.from.id } : {}
    const { choose } = await import('../../placing/choose.ts')
    const now = await choose(daemon, { spec, ...template, guest: { name, host } })
    return { guest: name, host, placed: placed?.host === host ? placed : null, now }
  },

  async balanceFarm(daemon): Promise<readonly Proposal[]> {
    const { proposeBalance } = await import('../../placing/balance.ts')
    return proposeBalance(daemon)
  },
} satisfies Partial<Handlers>
