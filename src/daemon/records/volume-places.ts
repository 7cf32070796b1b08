/** Where lasting data lies. A record alone says where it was wished: something is there when its host made it, or a guest has it. */
import { CroftError } from '../../api/errors.ts'
import type { Store } from '../../store/store.ts'
import type { VolumeRecord } from './app-records.ts'
import { readFarmGuests } from './farm-guests.ts'
import { keys } from './keys.ts'
import { type Part, same } from './moves.ts'
import { type Held, readAll } from './records.ts'

interface Place {
  readonly volume: Held<VolumeRecord>
  readonly host: string
  readonly made: boolean
  readonly had: boolean
}

export const hostOfVolume = ({ key }: Pick<Held<VolumeRecord>, 'key'>): string => key.split('/')[1] ?? ''

/** Those that go are nobody's place any more. */
async function findPlaces(store: Store, isAsked: (volume: VolumeRecord) => boolean): Promise<readonly Place[]> {
  const all = await readAll<VolumeRecord>(store, keys.allVolumes)
  const volumes = all.filter(({ value }) => !value.deleting && isAsked(value))
  if (volumes.length === 0) return []
  const guests = await readFarmGuests(store)
  return Promise.all(
    volumes.map(async (volume) => {
      const host = hostOfVolume(volume)
      const { id } = volume.value
      const made = (await store.get(keys.volumeStatus(host, id))).entry !== undefined
      const had = guests.some(({ value }) => value.host === host && value.spec.volumes?.some((each) => each.id === id))
      return { volume, host, made, had }
    }),
  )
}

/** Hosts where data of a site is: one, unless something went wrong; none before its first instance. */
export async function dataHosts(store: Store, site: string): Promise<readonly string[]> {
  const places = await findPlaces(store, (volume) => volume.site === site)
  const made = places.filter((place) => place.made)
  const hosts = (made.length > 0 ? made : places.filter(({ had }) => had)).map(({ host }) => host)
  return [...new Set(hosts)].sort()
}

/** Disks of a site are on one host, and so are all its instances that have them. */
export async function findDataHost(store: Store, site: string): Promise<string | undefined> {
  const [first, ...others] = await dataHosts(store, site)
  if (others.length > 0) throw onTwo(site, [first ?? '', ...others])
  return first
}

/** That they are on this host alone: records of others, where nothing is, go in the transaction that relies on it. */
export async function onlyOn(store: Store, host: string, ids: readonly string[]): Promise<Part> {
  const places = ids.length === 0 ? [] : await findPlaces(store, ({ id }) => ids.includes(id))
  const others = places.filter((place) => place.host !== host)
  const real = others.find(({ made, had }) => made || had)
  if (real) throw onTwo(real.volume.value.site, [host, real.host])
  return {
    compare: others.flatMap(({ volume, host: other }) => [
      same(volume),
      { key: keys.volumeStatus(other, volume.value.id), revision: 0 },
    ]),
    writes: others.map(({ volume: { key } }) => ({ delete: key })),
  }
}

const onTwo = (site: string, hosts: readonly string[]): CroftError =>
  new CroftError(
    'REFUSED',
    `lasting data of ${site} lies on ${hosts.join(' and ')}: which of it is right is not known`,
    {
      hint: `croft volume ls ${site}`,
    },
  )
