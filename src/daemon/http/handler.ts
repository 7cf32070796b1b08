/** What a handler gets and gives. Its input was checked by the route's schemas; it returns data, the server prints. */
import type { Readable } from 'node:stream'
import type { z } from 'zod'
import type { RouteName, routes } from '../../api/routes.ts'
import type { bodies, queries } from '../../api/schemas.ts'
import type { WholeDaemon } from '../daemon.ts'
import type { Caller } from './access.ts'

type PathNames<P extends string> = P extends `${string}:${infer Name}/${infer Rest}`
  ? Name | PathNames<Rest>
  : P extends `${string}:${infer Name}`
    ? Name
    : never

type Body<R extends RouteName> = R extends keyof typeof bodies ? z.output<(typeof bodies)[R]> : undefined
type Query<R extends RouteName> = R extends keyof typeof queries ? z.output<(typeof queries)[R]> : Record<string, never>

export interface Request<R extends RouteName> {
  readonly params: { readonly [K in PathNames<(typeof routes)[R]['path']>]: string }
  readonly query: Query<R>
  readonly body: Body<R>
  /** The body as it came: what goes on to another host is what was said, for an older one knows no default of ours. */
  readonly sent?: unknown
  readonly caller: Caller
  /** The file that is the body, for a route that takes one. */
  readonly stream: Readable | undefined
  /** Aborts when nobody waits for the answer any more. */
  readonly closed: AbortSignal
}

export type Handler<R extends RouteName> = (daemon: WholeDaemon, request: Request<R>) => Promise<unknown>
export type Handlers = { readonly [R in RouteName]: Handler<R> }
