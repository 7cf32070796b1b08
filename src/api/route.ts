/** What a row of the route table is. */

/**
 * A newcomer has shown a login token: it opens `login` and nothing else. Who is invited is a host on its way in. A host is
 * one of the farm, that asks for itself.
 */
export type Role = 'operator' | 'reader' | 'newcomer' | 'invited' | 'host'
export type Verb = 'read' | 'create' | 'change' | 'delete' | 'use' | 'operate'
export interface Access {
  readonly verb: Verb
  readonly noun: string
}
export interface Route {
  /** `in`: the request's body is a file. `out`: the answer is one. */
  readonly stream?: 'in' | 'out'
  readonly method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE'
  readonly path: string
  readonly access: Access
  readonly summary: string
  /** What is answered when it is not JSON; a session is the connection itself. */
  readonly reply?: 'metrics' | 'session'
}

export const can = (verb: Verb, noun: string): Access => ({ verb, noun })
