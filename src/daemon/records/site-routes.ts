/** Domains of a site's configuration as routes that the site owns. */

import type { ResolvedConfig } from '../../api/app.ts'
import { type RouteAim, RouteChange, RouteName } from '../../api/edge.ts'
import { CroftError } from '../../api/errors.ts'
import { type Claim, claimsOf, holderOf, reachesInto } from '../../plan/domains.ts'
import { applyRouteChange } from '../../plan/route-change.ts'
import { type SiteRoute, siteRoutes } from '../../plan/site-routes.ts'
import type { Daemon } from '../daemon.ts'
import { assertServable } from '../edge/servable.ts'
import { timestamp } from '../env.ts'
import type { Caller } from '../http/access.ts'
import type { RolloutRecord, SiteRecord } from './app-records.ts'
import { type Change, commit } from './change.ts'
import { keys } from './keys.ts'
import { type DomainRecord, type RouteRecord, read, readAll, schemaVersion } from './records.ts'
import { decideAdd, decideChange, decideRemove } from './route-decisions.ts'
import { siteNameOf } from './sites.ts'

/**
 * Before anything is changed: what the configuration says can be a route, and no name of it is another's, or will be by a rollout that
 * is under way. Who asks for new names takes a turn: of two at once the second looks again, and finds the first.
 */
export async function checkSiteRoutes(
  daemon: Daemon,
  site: SiteRecord,
  config: ResolvedConfig,
): Promise<Pick<Change, 'compare' | 'writes'>> {
  const wanted = siteRoutes(config)
  if (wanted.length === 0) return { compare: [], writes: [] }
  const turn = await read(daemon.store, keys.domainTurn)
  const rivals = await rivalsOf(daemon, site)
  const routes = (await readAll<RouteRecord>(daemon.store, keys.routes)).map(({ value }) => value)
  const mine = routes.filter((route) => route.site === siteNameOf(site))
  const own = new Set(mine.map(({ name }) => name))
  const known = new Set(mine.flatMap(hostsOf))
  const foreign = routes.filter((route) => ![undefined, site.app].includes(appOf(route)))
  let asksForNew = false
  for (const route of wanted) {
    const { name, change, aim } = parsed(site, route)
    const spec = applyRouteChange(name, undefined, { change, target: aim })
    assertServable(name, spec)
    for (const claim of claimsOf(name, spec)) {
      const held = (await read<DomainRecord>(daemon.store, keys.domain(claim.host)))?.value.held ?? []
      const holder = holderOf(
        claim,
        held.filter((each) => !own.has(each.route)),
        '',
      )
      if (holder)
        throw new CroftError('EXISTS', `${claim.host} belongs to route "${holder.route}"`, {
          hint: await waysToFree(daemon, holder.route),
        })
      assertNoRival(claim, rivals)
      if (known.has(claim.host)) continue
      assertApart(claim.host, foreign, siteNameOf(site))
      asksForNew = true
    }
  }
  if (!asksForNew) return { compare: [], writes: [] }
  const value = { schema: schemaVersion, site: siteNameOf(site), at: timestamp(daemon.env) }
  return {
    compare: [{ key: keys.domainTurn, revision: turn?.revision ?? 0 }],
    writes: [{ put: keys.domainTurn, value }],
  }
}

interface Rival {
  readonly site: string
  readonly claims: readonly Claim[]
  readonly isForeign: boolean
}

/** Other sites that are being deployed: their names may be routes in a moment. */
async function rivalsOf(daemon: Daemon, own: SiteRecord): Promise<Rival[]> {
  const rollouts = (await readAll<RolloutRecord>(daemon.store, keys.rollouts)).map(({ value }) => value)
  return rollouts
    .filter(({ state, step, site }) => state === 'running' && step !== 'return' && site !== siteNameOf(own))
    .map(({ site, config }) => {
      const claims = siteRoutes(config).flatMap(({ name, change }) => claimsOf(name, change))
      return { site, claims, isForeign: site.split('/')[0] !== own.app }
    })
}

function assertNoRival(claim: Claim, rivals: readonly Rival[]): void {
  for (const { site, claims, isForeign } of rivals) {
    const held = claims.filter(({ host }) => host === claim.host).map((each) => ({ ...each, route: site }))
    const near = isForeign ? claims.find(({ host }) => reachesInto(claim.host, host)) : undefined
    const taken = holderOf(claim, held, '') ? claim.host : near?.host
    if (taken === undefined) continue
    throw new CroftError('EXISTS', `${claim.host}: ${taken} goes to ${site}, which is being deployed`, {
      hint: `croft site show ${site}`,
    })
  }
}

/** A route of another site goes with that site's configuration alone. */
async function waysToFree({ store }: Daemon, route: string): Promise<string> {
  const owner = (await read<RouteRecord>(store, keys.route(route)))?.value.site
  return owner === undefined
    ? `croft route show ${route} · croft route rm ${route}`
    : `croft site show ${owner} · croft config show ${owner} --explain`
}

/** An app's configuration takes no name from around another app's: its cookies and its certificate hold there too. */
function assertApart(host: string, foreign: readonly RouteRecord[], site: string): void {
  for (const route of foreign) {
    const near = hostsOf(route).find((each) => reachesInto(host, each))
    if (near === undefined) continue
    throw new CroftError(
      'EXISTS',
      `${host} and ${near}, of route "${route.name}" of the app ${appOf(route)}, are one above the other`,
      {
        hint: `if both are meant: croft route add ${host} ${site}`,
      },
    )
  }
}

const hostsOf = ({ name, spec }: RouteRecord): string[] => claimsOf(name, spec).map(({ host }) => host)

function appOf({ site, spec: { target } }: RouteRecord): string | undefined {
  const leads = site ?? (target.kind === 'site' ? target.site : undefined)
  return leads?.split('/')[0]
}

/** Those that are not asked for any more go first: a name may move from one to another. */
export async function writeSiteRoutes(daemon: Daemon, site: SiteRecord, { config, by }: RolloutRecord): Promise<void> {
  const name = siteNameOf(site)
  // A route may have been added since it was decided.
  await checkSiteRoutes(daemon, site, config)
  const wanted = siteRoutes(config).map((route) => parsed(site, route))
  const names = new Set(wanted.map((route) => route.name))
  const own = await routesOf(daemon, name)
  for (const route of own) if (!names.has(route.name)) await removeOwned(daemon, by, route.name, name)
  const known = new Set(own.map((route) => route.name))
  for (const { name: route, change, aim } of wanted) {
    const basis = { change, aimed: { aim, warnings: [] }, hashes: {}, site: name }
    const id = daemon.env.id()
    await commit(daemon, callerOf(by), {}, () =>
      known.has(route)
        ? decideChange(daemon, route, { ...basis, query: {}, verb: 'set' })
        : decideAdd(daemon, { ...basis, name: route, by, id, verb: 'add' }),
    )
  }
}

export async function removeSiteRoutes(daemon: Daemon, site: string): Promise<void> {
  for (const { name } of await routesOf(daemon, site)) await removeOwned(daemon, 'croft', name, site)
}

async function removeOwned(daemon: Daemon, by: string, route: string, site: string): Promise<void> {
  await commit(daemon, callerOf(by), {}, () => decideRemove(daemon, route, { query: {}, verb: 'rm', site }))
}

const callerOf = (name: string): Caller => ({ name, role: 'operator' })

export async function routesOf({ store }: Daemon, site: string): Promise<RouteRecord[]> {
  const records = (await readAll<RouteRecord>(store, keys.routes)).map(({ value }) => value)
  return records.filter((route) => route.site === site)
}

/** Settings are read as `croft route set` would mean them. */
function parsed(site: SiteRecord, { name, daemon, change }: SiteRoute) {
  const route = RouteName.safeParse(name)
  const said = RouteChange.safeParse(change)
  const [issue] = route.error?.issues ?? said.error?.issues ?? []
  if (!route.success || !said.success)
    throw new CroftError('BAD_VALUE', `[route] ${issue?.path.join('.') || name}: ${issue?.message}`, {
      hint: `croft config show ${siteNameOf(site)}`,
    })
  const aim: RouteAim = {
    ...{ kind: 'site', site: siteNameOf(site), id: site.id },
    ...(daemon === undefined ? {} : { daemon }),
  }
  return { name: route.data, change: said.data, aim }
}
