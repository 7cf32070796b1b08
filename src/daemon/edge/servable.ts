/** What the edge would not take of a route is refused before it is kept: one route must not hold up the others. */
import type { RouteSpec } from '../../api/edge.ts'
import { checkWish } from '../../drivers/edge/check.ts'
import { planEdge } from '../../plan/edge.ts'

export function assertServable(name: string, spec: RouteSpec): void {
  const nothing = { settings: {}, guests: [], sites: [], certificates: [], tokens: [], near: [] }
  checkWish(planEdge({ ...nothing, routes: [{ id: 'route', name, spec, users: [] }] }))
}
