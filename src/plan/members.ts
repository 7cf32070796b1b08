/** Who answers for a site: from its instances to servers of the edge. Pure. */
import type { HealthCheck } from '../api/app.ts'
import { isCheckPath, type RouteSpec, type RouteState } from '../api/edge.ts'
import type { EdgeServer } from '../drivers/edge/driver.ts'
import { type EdgeGuest, findGuest, idOf, whyNot } from './edge.ts'

export interface MemberDaemon {
  readonly port: number | null
  readonly health: Required<HealthCheck>
  /** Who it runs as, and where: its checks do so too. */
  readonly user: string
  readonly folder: string
}

/** What of an instance its visitors and its name depend on. */
export interface ServingMember {
  readonly number: number
  readonly id: string
  readonly name: string
  /** `ready` gets requests, `draining` finishes those it has. */
  readonly state: 'starting' | 'ready' | 'draining' | 'retiring'
  /** By its name; the first that has a port is the one that is meant when none is named. */
  readonly daemons: Readonly<Record<string, MemberDaemon>>
}

/** A site as its edges see it. */
export interface EdgeSite {
  readonly id: string
  readonly name: string
  readonly members: readonly ServingMember[]
}

type Aim = Extract<RouteSpec['target'], { kind: 'site' }>

export const findSite = ({ site, id }: Aim, sites: readonly EdgeSite[]): EdgeSite | undefined =>
  sites.find((each) => each.name === site && each.id === id)

/** Those that get requests, and those that still have some. */
export function serversOfSite(aim: Aim, sites: readonly EdgeSite[], guests: readonly EdgeGuest[]): EdgeServer[] {
  const members = findSite(aim, sites)?.members ?? []
  return members.flatMap((member): EdgeServer[] => {
    const guest = findGuest(member, guests)
    const port = portOf(aim, member)
    if (!guest || port === undefined || whyNot(guest) !== undefined) return []
    if (member.state !== 'ready' && member.state !== 'draining') return []
    const isReady = member.state === 'ready' && !guest.leaves
    return [{ id: idOf(guest.id), address: guest.address, port, state: isReady ? 'ready' : 'drain' }]
  })
}

/**
 * What all that serve are asked for by the edge. Connections alone tell while two versions serve that differ in it, and of
 * a path that the edge cannot ask for: one with a query is the instance's own check.
 */
export function checkPathOf(aim: Aim, sites: readonly EdgeSite[]): string | undefined {
  const members = findSite(aim, sites)?.members.filter(({ state }) => state === 'ready') ?? []
  const paths = new Set(members.map((member) => pathOf(daemonOf(aim, member)?.health)))
  const [path] = paths
  return paths.size === 1 && path !== undefined && isCheckPath(path) ? path : undefined
}

const pathOf = (health: HealthCheck | undefined): string | undefined =>
  health?.kind === 'http' ? health.path : undefined

/** As `routeState` tells of a guest. */
export function siteState(
  aim: Aim,
  sites: readonly EdgeSite[],
  guests: readonly EdgeGuest[],
): { readonly state: RouteState; readonly reason?: string } {
  const site = findSite(aim, sites)
  if (!site) return { state: 'no-target', reason: `site "${aim.site}" is gone` }
  const ready = serversOfSite(aim, sites, guests).filter(({ state }) => state === 'ready')
  if (ready.length === 0) return { state: 'no-target', reason: `no instance of ${aim.site} serves` }
  const running = new Set(guests.flatMap(({ id, state }) => (state === 'running' ? [idOf(id)] : [])))
  if (ready.some(({ id }) => running.has(id))) return { state: 'serves' }
  return { state: 'waits', reason: `no instance of ${aim.site} runs` }
}

function daemonOf({ port, daemon }: Aim, { daemons }: ServingMember): MemberDaemon | undefined {
  if (daemon !== undefined) return daemons[daemon]
  const all = Object.values(daemons)
  return port === undefined ? all.find((each) => each.port !== null) : all.find((each) => each.port === port)
}

const portOf = (aim: Aim, member: ServingMember): number | undefined =>
  aim.port ?? daemonOf(aim, member)?.port ?? undefined
