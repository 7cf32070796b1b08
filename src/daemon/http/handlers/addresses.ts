/** Public addresses: a part of a guest's spec, routed to it. */
import { CroftError } from '../../../api/errors.ts'
import type { AddressView } from '../../../api/guest.ts'
import { type Daemon, getFarm } from '../../daemon.ts'
import { findAddressOwner, publicAddress } from '../../records/addresses.ts'
import { readFarmGuests } from '../../records/farm-guests.ts'
import { changeSpec } from '../../records/guest-spec.ts'
import type { Handlers } from '../handler.ts'

const mostAddresses = 32

export const handlers = {
  async listAddresses(daemon): Promise<AddressView[]> {
    const guests = await readFarmGuests(daemon.store)
    return guests.flatMap(({ value }) =>
      (value.spec.addresses ?? []).map((each) => ({ ...each, guest: value.name, host: value.host })),
    )
  },

  async addAddress(daemon, { params, body, query, caller }) {
    const wanted = { address: publicAddress(body.address), announce: body.announce }
    const change = { name: params.guest, verb: 'address add', query, caller }
    const answer = await changeSpec(daemon, change, (spec) => {
      const others = (spec.addresses ?? []).filter(({ address }) => address !== wanted.address)
      if (others.length >= mostAddresses)
        throw new CroftError('LIMIT_REACHED', `a guest has at most ${mostAddresses} public addresses`)
      return { ...spec, addresses: [...others, wanted] }
    })
    return afterAddresses(daemon, answer)
  },

  async removeAddress(daemon, { params, query, caller }) {
    const gone = publicAddress(params.address)
    const owner = await findAddressOwner(daemon, gone)
    if (!owner) throw new CroftError('NOT_FOUND', `no guest has the address ${gone}`, { hint: 'croft address ls' })
    const answer = await changeSpec(daemon, { name: owner.name, verb: 'address rm', query, caller }, (spec) => ({
      ...spec,
      addresses: (spec.addresses ?? []).filter(({ address }) => address !== gone),
    }))
    return afterAddresses(daemon, answer)
  },
} satisfies Partial<Handlers>

async function afterAddresses<T>(daemon: Daemon, answer: T): Promise<T> {
  await getFarm(daemon).loop.gate.refresh()
  return answer
}
