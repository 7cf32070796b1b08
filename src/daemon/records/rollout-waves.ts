/** The waves of a rollout, from what was said and from who is where. */
import { hostWaves, type SlotWish, wavesOf } from '../../plan/deploy.ts'
import type { Store } from '../../store/store.ts'
import type { Member, RolloutRecord } from './app-records.ts'
import { readFarmGuests } from './farm-guests.ts'

export async function rolloutWaves(
  store: Store,
  text: string,
  slots: readonly SlotWish[],
  { there, old }: { readonly there: readonly Member[]; readonly old: readonly string[] },
): Promise<Pick<RolloutRecord, 'waves' | 'order'>> {
  if (!/(^|,)host$/.test(text)) return { waves: wavesOf(text, slots.length) }
  const hosts = new Map((await readFarmGuests(store)).map(({ value }) => [value.number, value.host]))
  const stay = new Set(there.filter(({ name }) => !old.includes(name)).map(({ slot }) => slot))
  const places = slots
    .filter(({ slot }) => !stay.has(slot))
    .map(({ slot }) => {
      const goes = there.find((member) => member.slot === slot && old.includes(member.name))
      return { slot, host: (goes && hosts.get(goes.number)) ?? null }
    })
  return hostWaves(text, slots.length, places)
}
