/** The daemon's doors, the route table, one error shape. One bad request never ends the process. */
import { chmodSync, rmSync } from 'node:fs'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { z } from 'zod'
import { CroftError, type ErrorCode, errorTable, toCroftError } from '../../api/errors.ts'
import { printable, printableLine } from '../../api/printable.ts'
import { type Route, type RouteName, routes } from '../../api/routes.ts'
import { bodies, pathValues, queries } from '../../api/schemas.ts'
import type { WholeDaemon } from '../daemon.ts'
import type { Log } from '../host/parts.ts'
import { routesBeyond } from '../release.ts'
import { assertMay, type Caller } from './access.ts'
import { createDoors, type Doors, readerSocketOf } from './doors.ts'
import type { Handler, Request } from './handler.ts'
import { handlers } from './handlers/table.ts'
import type { Identify } from './identify.ts'
import { Lines, sendLines } from './lines.ts'
import { answerMalformed } from './malformed.ts'
import { answerUpgrades, assertUpgrade, switchProtocols, Upgrade, upgradeOptions } from './upgrade.ts'

const bodyLimitBytes = 1024 * 1024
/** zod checks what comes in, JSON.stringify writes what goes out: Fastify's own compilers (ajv and another) are not even loaded. */
const noCompiler = () => () => {
  throw new Error('no route has a schema of Fastify')
}

export interface ServerOptions {
  readonly socket: string
  readonly log: Log
  readonly identify: Identify
}

export interface RunningServer {
  /** Answers what came in from outside. */
  readonly answerOutside: (request: IncomingMessage, response: ServerResponse) => void
  close(): Promise<void>
}

export async function startServer(daemon: WholeDaemon, options: ServerOptions): Promise<RunningServer> {
  const doors = createDoors(options.identify)
  const server = Fastify({
    bodyLimit: bodyLimitBytes,
    logger: false,
    // Longer than any URL: what a path may say is for its schemas to judge.
    routerOptions: { maxParamLength: 100_000 },
    frameworkErrors: (thrown, _request, reply) => answerError(reply, fromFastify(thrown), options.log),
    clientErrorHandler: answerMalformed,
    requestTimeout: 0,
    http: upgradeOptions,
    forceCloseConnections: true,
    schemaController: { compilersFactory: { buildValidator: noCompiler, buildSerializer: noCompiler } },
  })
  server.setErrorHandler((thrown, _request, reply) => answerError(reply, fromFastify(thrown), options.log))
  server.setNotFoundHandler((request, reply) =>
    answerError(
      reply,
      new CroftError('NOT_FOUND', `no route ${request.method} ${request.url.slice(0, 200)}`, {
        hint: 'croft api GET /v1/openapi.json',
      }),
      options.log,
    ),
  )
  server.addHook('onRequest', (request) => doors.admit(request.raw))
  // A file is not read into memory: the handler takes it as it comes.
  server.addContentTypeParser('application/octet-stream', (_request, payload, done) => done(null, payload))
  const beyond = await routesBeyond(daemon.abilities)
  for (const [name, handler] of Object.entries(handlers).filter(([each]) => !beyond.has(each)))
    addRoute(server, daemon, name as RouteName, handler as Handler<RouteName>, doors)
  let readers: Server | undefined
  server.addHook('onClose', async () => {
    readers?.close()
    readers?.closeAllConnections()
    rmSync(readerSocketOf(options.socket), { force: true })
  })
  answerUpgrades(server.server, (request, response) => server.routing(request, response))
  rmSync(options.socket, { force: true })
  const before = process.umask(0o177)
  try {
    await server.listen({ path: options.socket })
  } finally {
    process.umask(before)
  }
  chmodSync(options.socket, 0o600)
  readers = await doors.openReader(readerSocketOf(options.socket), (request, response) =>
    server.routing(request, response),
  )
  return {
    answerOutside: doors.fromOutside((request, response) => server.routing(request, response)),
    close: () => server.close(),
  }
}

function addRoute(
  server: FastifyInstance,
  daemon: WholeDaemon,
  name: RouteName,
  handler: Handler<RouteName>,
  doors: Doors,
): void {
  const row: Route = routes[name]
  const type = replyTypes[row.reply ?? 'json']
  server.route({
    method: row.method,
    url: row.path,
    handler: async (request, reply) => {
      const caller = doors.callerOf(request.raw)
      assertMay(caller, row.access)
      const asked = parseRequest(name, request, caller)
      if (row.reply === 'session') assertUpgrade(request)
      const closed = closing(reply)
      if (await daemon.others?.()?.carry(name, { ...asked, request, reply, closed })) return reply
      const answer = await handler(daemon, { ...asked, stream: bodyStream(row, request), closed })
      if (answer instanceof Lines) return sendLines(reply, answer)
      if (answer instanceof Upgrade) return switchProtocols(request, reply, answer)
      if (isFile(answer)) return reply.header('content-type', answer.type).send(answer.stream)
      const running = isAccepted(answer) && answer.operation?.state === 'running'
      return reply
        .code(running ? 202 : 200)
        .header('content-type', type)
        .send(row.reply === undefined ? JSON.stringify(answer ?? null) : answer)
    },
  })
}

const replyTypes = {
  json: 'application/json; charset=utf-8',
  metrics: 'text/plain; version=0.0.4; charset=utf-8',
  session: '',
} as const

function bodyStream(row: Route, { body }: FastifyRequest): Readable | undefined {
  if (row.stream !== 'in') {
    if (body instanceof Readable) throw new CroftError('BAD_REQUEST', 'this route takes JSON, not a file')
    return undefined
  }
  return body instanceof Readable ? body : undefined
}

function closing(reply: FastifyReply): AbortSignal {
  const controller = new AbortController()
  reply.raw.once('close', () => controller.abort(new CroftError('CANCELLED', 'nobody waits for the answer')))
  return controller.signal
}

const isFile = (answer: unknown): answer is { readonly stream: Readable; readonly type: string } =>
  typeof answer === 'object' && answer !== null && 'stream' in answer && answer.stream instanceof Readable

const isAccepted = (answer: unknown): answer is { operation: { state: string } | null } =>
  typeof answer === 'object' && answer !== null && 'operation' in answer

export function parseRequest(
  name: RouteName,
  request: FastifyRequest,
  caller: Caller,
): Omit<Request<RouteName>, 'stream' | 'closed'> {
  const params: Record<string, string> = {}
  for (const [key, value] of Object.entries(request.params as Record<string, string>)) {
    params[key] = parse((pathValues as Record<string, z.ZodType<string>>)[key] ?? z.string(), value, key)
  }
  const query = parse(
    (queries as Partial<Record<RouteName, z.ZodType>>)[name] ?? z.strictObject({}),
    request.query ?? {},
    'query',
  )
  const schema = (bodies as Partial<Record<RouteName, z.ZodType>>)[name]
  const body = schema ? parse(schema, request.body === undefined ? {} : request.body, '') : undefined
  return { params, query, body, sent: request.body, caller } as Request<RouteName>
}

/** One line that names the first field that is wrong. */
function parse<T>(schema: z.ZodType<T>, value: unknown, where: string): T {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const issue = deepest(parsed.error.issues[0])
  const path = [where, ...(issue?.path ?? []).map(String)].filter((part) => part !== '').join('.')
  throw new CroftError(
    'BAD_VALUE',
    printableLine(`${path || 'body'}: ${issue ? said(issue) : 'is not valid'}`).slice(0, 300),
  )
}

type Issue = z.core.$ZodIssue

/** In our words where the library has its own; what our schemas say themselves stays. */
function said(issue: Issue): string {
  if (issue.code === 'invalid_type' && /^Invalid input/.test(issue.message)) return `must be a ${issue.expected}`
  if (issue.code === 'invalid_value' && /^Invalid (input|option)/.test(issue.message))
    return `must be ${issue.values.length > 1 ? 'one of ' : ''}${issue.values.map(String).join(', ')}`
  return issue.message
}

/** Of a union's complaints, the one that says most: the last branch is the one with a sentence of ours. */
function deepest(issue: Issue | undefined): Issue | undefined {
  if (issue?.code !== 'invalid_union') return issue
  const branches = issue.errors.map((branch) => branch[0]).filter((inner) => inner !== undefined)
  const best = deepest(
    branches.findLast(
      (inner) =>
        inner.code === 'custom' ||
        inner.code === 'invalid_format' ||
        inner.code === 'too_small' ||
        inner.code === 'too_big',
    ) ?? branches.at(-1),
  )
  return best && ({ ...best, path: [...issue.path, ...best.path] } as Issue)
}

function fromFastify(thrown: unknown): CroftError {
  const code = (thrown as { code?: string }).code
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE')
    return new CroftError('TOO_LARGE', `the body is larger than ${bodyLimitBytes} bytes`)
  if (typeof code === 'string' && code.startsWith('FST_ERR'))
    return new CroftError('BAD_REQUEST', (thrown as Error).message)
  if ((thrown as { statusCode?: number }).statusCode === 400)
    return new CroftError('BAD_REQUEST', (thrown as Error).message)
  return toCroftError(thrown)
}

const unknownSender: ReadonlySet<ErrorCode> = new Set(['UNAUTHENTICATED', 'TOO_MANY_ATTEMPTS'])

function answerError(reply: FastifyReply, error: CroftError, log: Log): FastifyReply {
  if (error.code === 'INTERNAL')
    log.error(
      { error: error.message, stack: (error.cause as Error | undefined)?.stack },
      'a request failed in a way croft did not foresee',
    )
  const { status } = errorTable[error.code]
  const { code, message, hint } = error.toBody()
  // What else the sender has to say is not read.
  if (unknownSender.has(code)) reply.header('connection', 'close')
  if (code === 'STORE_MOVING') reply.header('retry-after', '2')
  return reply
    .code(status === 200 ? 500 : status)
    .header('content-type', 'application/json; charset=utf-8')
    .send(
      JSON.stringify({
        code,
        // Only what a tool said comes in several lines.
        message: status < 500 ? printableLine(message) : printable(message),
        ...(hint === undefined ? {} : { hint: printable(hint) }),
        ...('op' in error ? { op: error.op } : {}),
      }),
    )
}
