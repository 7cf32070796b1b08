/** What the edge serves. A handler writes the wish; the edge is told before the answer, so that what is answered is so. */
import type { AccessPage, EdgeRoute, RouteChanges } from '../../../api/edge.ts'
import type { WriteQuery } from '../../../api/schemas.ts'
import { idOf } from '../../../plan/edge.ts'
import { type Daemon, getFarm } from '../../daemon.ts'
import { aimByAddress } from '../../edge/aim.ts'
import { type Change, commit } from '../../records/change.ts'
import { differences } from '../../records/edge-settings.ts'
import { decideAdd, decideChange, decideRemove, hashesOf } from '../../records/route-decisions.ts'
import { getRouteRecord, listHeirs, listRouteViews, viewRoute } from '../../records/routes.ts'
import type { Handlers } from '../handler.ts'

export const handlers = {
  listRoutes: (daemon): Promise<EdgeRoute[]> => listRouteViews(daemon),

  getRoute: (daemon, { params }): Promise<EdgeRoute> => viewRoute(daemon, params.route),

  async addRoute(daemon, { body, query, caller }) {
    const { name, ...change } = body
    const id = daemon.env.id()
    const hashes = await hashesOf(daemon, change, query)
    const aimed = await aimByAddress(daemon, change, { name, caller })
    const decide = () => decideAdd(daemon, { name, id, change, aimed, hashes, by: caller.name, verb: 'add' })
    if (query.dryRun) return planned(name, await decide())
    await commit(daemon, caller, query, decide)
    return served(daemon, name, { isNew: true, said: aimed.warnings, query })
  },

  async changeRoute(daemon, { params, body, query, caller }) {
    const name = params.route
    await getRouteRecord(daemon, name)
    const hashes = await hashesOf(daemon, body, query)
    const aimed = await aimByAddress(daemon, body, { name, caller })
    const decide = () => decideChange(daemon, name, { change: body, aimed, hashes, query, verb: 'set' })
    if (query.dryRun) return planned(name, await decide())
    await commit(daemon, caller, query, decide)
    const said = [...aimed.warnings, ...(await heirsTold(daemon, name, body))]
    return served(daemon, name, { isNew: body.to !== undefined, said, query })
  },

  async readRouteLog(daemon, { params, query }): Promise<AccessPage> {
    const { value } = await getRouteRecord(daemon, params.route)
    const { edge } = getFarm(daemon).parts
    const { tail = 1000, after } = query
    if (!edge) return { lines: [], next: after ?? '' }
    const page = await edge.readLog({ site: idOf(value.id), tail, ...(after === undefined ? {} : { after }) })
    const lines = page.lines.map(({ timeMs, site: _, ...line }) => ({ at: new Date(timeMs).toISOString(), ...line }))
    return { lines, next: page.next }
  },

  async removeRoute(daemon, { params, query, caller }) {
    const name = params.route
    const decide = () => decideRemove(daemon, name, { query, verb: 'rm' })
    if (query.dryRun) return planned(name, await decide())
    await commit(daemon, caller, query, decide)
    const { edge } = getFarm(daemon).loop
    if (query.wait === 0) edge.refreshSoon()
    else await edge.refresh()
    return { operation: null, result: null }
  },
} satisfies Partial<Handlers>

/** What is said of a domain holds for its paths: who sets it should know. */
async function heirsTold(daemon: Daemon, name: string, change: RouteChanges): Promise<string[]> {
  const { users, anybody, allow, deny, maintenance } = change
  if ([users, anybody, allow, deny, maintenance].every((each) => each === undefined)) return []
  const heirs = await listHeirs(daemon.store, name)
  if (heirs.length === 0) return []
  return [`what ${name} says of who may come holds for ${heirs.join(', ')} too: croft route set ${heirs[0]} inherit=no`]
}

interface Served {
  /** It leads to another place than before. */
  readonly isNew?: boolean
  readonly said?: readonly string[]
  readonly query?: WriteQuery
}

/** `wait=0`: many are added one after another, and none has to be served before the next. */
export async function served(daemon: Daemon, name: string, { isNew = false, said = [], query = {} }: Served = {}) {
  const { edge } = getFarm(daemon).loop
  if (query.wait === 0) {
    edge.refreshSoon()
    const warnings = [...said, 'it is not served yet: the edge is told in a moment']
    return { operation: null, result: await viewRoute(daemon, name, { knock: false, count: false }), warnings }
  }
  await edge.listeners.ask((await getRouteRecord(daemon, name)).value, isNew)
  await edge.refresh()
  const result = await viewRoute(daemon, name, { knock: false })
  const { state, reason, mend } = result
  const why = edge.whyNot({ name, spec: result })
  const silent = (state === 'no-answer' || state === 'waits') && mend !== undefined ? [`${reason}: ${mend}`] : []
  const warnings = [...said, ...silent, ...(why === undefined ? [] : [`it is not served yet: ${why}`])]
  return { operation: null, result, ...(warnings.length === 0 ? {} : { warnings }) }
}

export const planned = (name: string, { before, after }: Change) => ({
  ...{ operation: null, result: null },
  steps: differences(name, before ?? {}, after ?? {}),
})
