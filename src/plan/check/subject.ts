/** From a route, and who answers there now, to what is looked at. Pure. */
import type { RouteSpec } from '../../api/edge.ts'
import { parseRoute } from '../domains.ts'
import type { CheckSubject } from './facts.ts'

interface Route {
  readonly id: string
  readonly name: string
  /** As it is in force. */
  readonly spec: RouteSpec
}

export interface Around {
  readonly target: CheckSubject['target']
  readonly operators: readonly string[]
}

export function subjectOf({ id, name, spec }: Route, { target, operators }: Around): CheckSubject {
  const at = parseRoute(name)
  const passthrough = spec.passthrough === true
  return {
    ...{ id, name, passthrough },
    kind: at.kind === 'tcp' ? 'tcp' : spec.target.kind,
    hosts: at.kind === 'tcp' ? [] : [at.host, ...(spec.names ?? [])],
    aliases: spec.aliases ?? [],
    path: at.kind === 'tcp' ? '/' : at.path,
    // What passes through is TLS alone: nothing of the edge answers on http.
    https: passthrough ? 'both' : (spec.https ?? 'only'),
    access: {
      maintenance: spec.maintenance === true,
      ...{ users: spec.users ?? [], allow: spec.allow ?? [], deny: spec.deny ?? [], operators },
    },
    ...(target ? { target } : {}),
  }
}
