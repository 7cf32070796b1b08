/** What an address that the edge cannot have means for routes: pure. */
import type { EdgeSettings, RouteSpec } from '../api/edge.ts'
import type { Missed } from '../drivers/edge/driver.ts'
import { parseRoute } from './domains.ts'
import { listensOf } from './edge.ts'

export interface MissedRoute {
  readonly name: string
  readonly spec: Pick<RouteSpec, 'https'>
}

/** Why nothing answers for it; undefined when something does. A site answers where any https address is left. */
export function missedBy(
  { name, spec }: MissedRoute,
  settings: EdgeSettings,
  missed: readonly Missed[],
): string | undefined {
  const route = parseRoute(name)
  const gone = (listens: readonly string[]): Missed | undefined =>
    listens.every((listen) => missed.some((each) => each.listen === listen))
      ? missed.find(({ listen }) => listens.includes(listen))
      : undefined
  const { http, https } = listensOf(settings)
  const why =
    route.kind === 'tcp' ? gone([route.listen]) : (gone(https) ?? (spec.https === 'off' ? gone(http) : undefined))
  return why && describeMissed(why)
}

export const describeMissed = ({ listen, why }: Missed): string => `the edge cannot hear at ${listen}: ${why}`

/** What one can do who wants to leave it to whoever has it: the web's addresses are settings of the farm. */
export function insteadOf({ listen }: Missed, settings: EdgeSettings): string {
  const { http, https } = listensOf(settings)
  if (http.includes(listen)) return 'serve elsewhere: croft farm set edge-http=:8080'
  if (https.includes(listen)) return 'serve elsewhere: croft farm set edge-https=:8443'
  return `give the route up: croft route rm ${listen}`
}
