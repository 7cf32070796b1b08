/** The checks of the farm's own routes, at this host's edge. */
import type { GuestStatus } from '../../api/guest.ts'
import { ipv4Of, meshPrefix4Of } from '../../plan/addresses.ts'
import type { CheckSubject } from '../../plan/check/facts.ts'
import { subjectOf } from '../../plan/check/subject.ts'
import { listensOf } from '../../plan/edge.ts'
import type { HostParts } from '../host/parts.ts'
import { readUpstream } from '../hostprep/resolver.ts'
import { withoutPort } from '../near.ts'
import { readFarmGuests } from '../records/farm-guests.ts'
import { keys } from '../records/keys.ts'
import {
  type FarmRecord,
  type GuestRecord,
  type HostRecord,
  type RouteRecord,
  read,
  readAll,
} from '../records/records.ts'
import { effectiveOf } from '../records/routes.ts'
import { type Checks, createChecks } from './checks.ts'
import type { EdgePlace } from './gather.ts'

export interface RouteChecksParts extends Pick<HostParts, 'env' | 'store' | 'host' | 'farm' | 'log'> {
  /** SHA-256 of the farm's CA. */
  readonly farmCa: () => string | null
  readonly everyMs: number
}

const everyFiveMinutes = 300_000

/** CROFT_CHECK_SECONDS is for tests. */
export function checkEveryMs({ CROFT_CHECK_SECONDS: seconds = '' }: NodeJS.ProcessEnv): number {
  return /^\d{1,6}$/.test(seconds) ? Number(seconds) * 1000 : everyFiveMinutes
}

export function createRouteChecks(parts: RouteChecksParts): Checks {
  const { env, store } = parts
  return createChecks({
    ...parts,
    routes: async () => (await readAll<RouteRecord>(store, keys.routes)).map(({ value }) => value),
    async subject(name) {
      const route = (await read<RouteRecord>(store, keys.route(name)))?.value
      if (!route) return undefined
      const { spec } = await effectiveOf(store, route)
      const operators = (await read<FarmRecord>(store, keys.farm))?.value.edge?.operators ?? []
      return subjectOf({ ...route, spec }, { target: await targetOf(parts, route), operators })
    },
    async gather(subject) {
      // Who has no route needs none of this.
      const { gather } = await import('./gather.ts')
      return gather({ env }, subject, await placeOf(parts))
    },
  })
}

async function targetOf(
  { store, host, farm }: RouteChecksParts,
  { spec }: RouteRecord,
): Promise<CheckSubject['target']> {
  if (spec.target.kind !== 'guest') return undefined
  const { number, id } = spec.target
  const here = (await read<GuestRecord>(store, keys.guest(host.name, number)))?.value
  const guest = here ?? (await readFarmGuests(store)).find(({ value }) => value.number === number)?.value
  if (guest?.id !== id) return undefined
  const status = (await read<GuestStatus>(store, keys.guestStatus(guest.host, number)))?.value
  const address = ipv4Of(farm.prefix4, number)
  return { guest: guest.name, state: status?.state ?? 'creating', address, port: spec.target.port }
}

async function placeOf({ store, farmCa, farm }: RouteChecksParts): Promise<EdgePlace> {
  const settings = (await read<FarmRecord>(store, keys.farm))?.value.edge ?? {}
  const hosts = (await readAll<HostRecord>(store, keys.hosts)).map(({ value }) => value)
  const serving = hosts.filter(({ witness, dead }) => !witness && dead === undefined)
  return {
    ...listensOf(settings),
    addresses: settings.addresses,
    hosts: serving.flatMap(({ address }) => withoutPort(address)),
    inner: [farm.prefix4, farm.prefix6, ...(hosts.length > 1 ? [meshPrefix4Of(farm.prefix4)] : [])],
    resolvers: settings.resolvers ?? (await readUpstream()).servers,
    farmCa: farmCa(),
  }
}
