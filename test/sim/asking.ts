/** A request as the HTTP server hands it on: access, schemas, handler. Whose it is was asked before. */
import type { Readable } from 'node:stream'
import { type RouteName, routes } from '../../src/api/routes.ts'
import { bodies, queries } from '../../src/api/schemas.ts'
import type { WholeDaemon } from '../../src/daemon/daemon.ts'
import { assertMay, type Caller } from '../../src/daemon/http/access.ts'
import type { Handler } from '../../src/daemon/http/handler.ts'
import { handlers } from '../../src/daemon/http/handlers/table.ts'

export interface Asked {
  readonly params?: Readonly<Record<string, string>>
  readonly body?: unknown
  readonly query?: Readonly<Record<string, string>>
  readonly stream?: Readable | undefined
  readonly closed?: AbortSignal | undefined
  readonly caller?: Caller
}

/** What the schemas made of it. */
export interface Checked {
  readonly params: Readonly<Record<string, string>>
  readonly body: unknown
  readonly sent?: unknown
  readonly query: object
  readonly caller: Caller
}

export const root = { name: 'root', role: 'operator' } as const

export function checked(route: RouteName, { params = {}, body, query = {}, caller = root }: Asked): Checked {
  assertMay(caller, routes[route].access)
  const schema = (bodies as Schemas)[route]
  const asking = (queries as Schemas)[route]
  const [words, said] = [asking?.parse(query) ?? {}, schema?.parse(body ?? {})]
  return { params, query: words as object, body: said, caller }
}

export function answerTo(
  daemon: WholeDaemon,
  route: RouteName,
  asked: Checked & Pick<Asked, 'stream' | 'closed'>,
): Promise<unknown> {
  const handle = handlers[route] as unknown as Handler<RouteName>
  const request = { closed: new AbortController().signal, stream: undefined, ...asked }
  return handle(daemon, request as unknown as Parameters<typeof handle>[1])
}

type Schemas = Partial<Record<RouteName, { parse(value: unknown): unknown }>>
