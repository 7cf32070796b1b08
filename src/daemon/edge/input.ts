/** What the edge is planned from, as the records say it. */
import { certifiedNames } from '../../plan/domains.ts'
import type { EdgeGuest, EdgeInput, PlannedRoute } from '../../plan/edge.ts'
import type { ServedCertificate } from '../certificates/certificates.ts'
import type { HostParts } from '../host/parts.ts'
import { nearRanges } from '../near.ts'
import { keys } from '../records/keys.ts'
import { type FarmRecord, type RouteRecord, type RouteUsersRecord, read, readAll } from '../records/records.ts'
import { readEdgeSites } from '../records/routes.ts'

export async function readEdgeInput(
  { store, farm, certificates, elsewhere }: HostParts,
  records: readonly RouteRecord[],
  guests: readonly EdgeGuest[],
): Promise<EdgeInput & { readonly lent: readonly ServedCertificate[] }> {
  const [settings, sites, users] = await Promise.all([
    read<FarmRecord>(store, keys.farm),
    readEdgeSites(store),
    readAll<RouteUsersRecord>(store, keys.routesUsers),
  ])
  const hashes = new Map(users.map(({ key, value }) => [key, value.users]))
  const routes = records.map(({ id, name, spec, created }): PlannedRoute => {
    const known = Object.entries(hashes.get(keys.routeUsers(id)) ?? {})
    return { id, name, spec, created, users: known.map(([user, hash]) => ({ name: user, hash })) }
  })
  const previewDomain = settings?.value.edge?.previewDomain
  const ofRoutes = records.map(({ name, spec }) => certifiedNames(name, spec, previewDomain))
  const routed = new Set(ofRoutes.flat())
  const ofGuests = guests.flatMap(({ certificate }) => certificate ?? [])
  const groups = ofRoutes.filter((names) => names.length > 0)
  const served = await certificates.certificatesFor(groups, ofGuests)
  return {
    ...{ settings: settings?.value.edge ?? {}, routes, sites, guests },
    // A guest may be given one of a name that no route has: the edge answers the ACME server.
    certificates: served.filter(({ lent, names }) => !lent || !names.some((name) => routed.has(name))),
    lent: served.filter(({ lent }) => lent),
    tokens: await certificates.tokens(),
    near: nearRanges({ ...farm, ...settings?.value, hosts: elsewhere.hosts() }),
  }
}
