/** Asks the daemon, over its unix socket or by the line to a farm from afar. One connection a request; small, because loading node:http costs more than the request. */

import type { App, AppConfig } from '../../api/app.ts'
import type { RouteCheck } from '../../api/check.ts'
import type { Certificate, Door, Token } from '../../api/door.ts'
import type { AccessPage, EdgeRoute } from '../../api/edge.ts'
import { CroftError, type ErrorBody, type ErrorCode, errorTable } from '../../api/errors.ts'
import type { AddressView, Guest, RuleView, Usage } from '../../api/guest.ts'
import type { Host } from '../../api/host.ts'
import type { Explanation, Proposal } from '../../api/placement.ts'
import type { Replica, ShownGuest } from '../../api/replica.ts'
import type {
  Accepted,
  DataEntry,
  Farm,
  Finding,
  HistoryEntry,
  Network,
  Operation,
  PlannedStep,
  Pool,
  Size,
  Snapshot,
  Status,
  Template,
} from '../../api/resources.ts'
import { type RouteName, routes } from '../../api/routes.ts'
import type { Build, ConfigDifference, Release, Secret, Site, SiteConfig } from '../../api/site.ts'
import type { StoreView } from '../../api/store.ts'
import type { Volume } from '../../api/volume.ts'
import { type Line, localLine, speak } from './line.ts'
import { type Reply, replyReader } from './reply.ts'
import type { Entrance, Opened } from './upgrade.ts'

/** A list, bare or with what goes beside it. */
export type List<T> = readonly T[] | { readonly items: readonly T[] }
export interface AttachCommand {
  /** Instead of a file: the daemon runs it for us. */
  readonly afar?: Entrance
  readonly file: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}
/** `inside` the running guest; or `disk`: in a root of ours that holds the disk of a stopped one. */
export interface FilesCommand extends AttachCommand {
  readonly where: 'inside' | 'disk'
}

interface ReadReplies {
  getStatus: Status
  getDoctor: List<Finding>
  listChecks: List<RouteCheck>
  getCheck: RouteCheck
  listGuests: List<Guest>
  getGuest: ShownGuest
  attachGuest: AttachCommand
  attachFiles: FilesCommand
  attachConsole: AttachCommand
  readConsole: string | { readonly text: string }
  listRules: List<RuleView>
  listAllRules: List<RuleView>
  listAddresses: List<AddressView>
  getUsage: List<Usage>
  listSnapshots: List<Snapshot>
  listReplicas: List<Replica>
  listTemplates: List<Template>
  getTemplate: Template
  listHosts: List<Host>
  getHost: Host
  explainGuest: Explanation
  getStore: StoreView
  balanceFarm: List<Proposal>
  planHost: List<PlannedStep> | { readonly steps: readonly PlannedStep[] }
  listPools: List<Pool>
  listNetworks: List<Network>
  checkNetwork: List<Finding>
  listSizes: List<Size>
  listVolumes: List<Volume>
  listHistory: List<HistoryEntry>
  listOperations: List<Operation>
  getOperation: Operation
  cancelOperation: unknown
  listData: List<DataEntry>
  listEvents: never
  getMetrics: string
  getFarm: Farm & { readonly door: Door }
  listTokens: List<Token>
  getToken: Token
  listRoutes: List<EdgeRoute>
  getRoute: EdgeRoute
  readRouteLog: AccessPage
  listApps: List<App>
  getApp: App
  listSites: List<Site>
  getSite: Site
  getConfig: SiteConfig
  diffConfig: List<ConfigDifference>
  listSecrets: List<Secret>
  listBuilds: List<Build>
  getBuild: Build
  readBuildLog: { readonly text: string }
  listReleases: List<Release>
  getRelease: Release & { readonly config: AppConfig }
  listCertificates: List<Certificate>
  getCertificate: Certificate
}
/** What a route answers: the record for those above, Accepted for every change. */
export type ReplyOf<R extends RouteName> = R extends keyof ReadReplies ? ReadReplies[R] : Accepted
export type ReadRoute = keyof ReadReplies
export type ChangeRoute = Exclude<RouteName, ReadRoute | 'getOpenapi' | 'createUpload' | 'exportTemplate'>

export interface RequestOptions {
  readonly params?: Readonly<Record<string, string>>
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>
  readonly body?: unknown
  readonly signal?: AbortSignal | undefined
  /** How long nothing may come before it counts as unreachable. */
  readonly idleMs?: number
}

export interface Client {
  request<R extends RouteName>(route: R, options?: RequestOptions): Promise<ReplyOf<R>>
  /** A route that answers line by line, until it ends or the signal aborts. */
  lines<R extends RouteName>(route: R, options: RequestOptions, onLine: (line: string) => void): Promise<void>
  /** For files, which transfer.ts sends and gets. */
  line(): Promise<Line>
  /** A route that takes the connection over. */
  upgrade(route: RouteName, options: RequestOptions): Promise<Opened>
  raw(method: string, path: string, options?: Pick<RequestOptions, 'body' | 'signal' | 'idleMs'>): Promise<Reply>
}

export interface ClientOptions {
  readonly socketPath: string
  /** To a farm from afar, instead of the socket. */
  readonly line?: () => Promise<Line>
  /** Told of each request when it is answered. */
  readonly onRequest?: (line: string) => void
  readonly maxBytes?: number
}

/** An error that the daemon answered, with the operation it belongs to. */
export class RemoteError extends CroftError {
  readonly op: string | undefined

  constructor(body: ErrorBody, op = body.op) {
    super(body.code, body.message, { hint: body.hint })
    this.op = op
  }

  override toBody(): ErrorBody {
    return { ...super.toBody(), ...(this.op === undefined ? {} : { op: this.op }) }
  }
}

export function createClient(options: ClientOptions): Client {
  let opened: Promise<Line> | undefined
  const findLine = () => (opened ??= options.line?.() ?? Promise.resolve(localLine(options.socketPath)))
  const raw: Client['raw'] = async (method, path, more = {}) => {
    const started = process.uptime()
    const line = await findLine()
    const bytes = requestBytes(method, path, { body: more.body, heads: line.heads })
    const reply = await roundTrip(line, bytes, { ...more, maxBytes: options.maxBytes ?? 64 * 1024 ** 2 })
    options.onRequest?.(`${method} ${path} → ${reply.status}, ${Math.round(1000 * (process.uptime() - started))} ms`)
    return reply
  }
  return {
    raw,
    line: findLine,
    async lines(route, more, onLine) {
      const { streamLines } = await import('./stream.ts')
      const path = pathOf(route, more)
      options.onRequest?.(`GET ${path} → lines`)
      const line = await findLine()
      const bytes = requestBytes('GET', path, { body: undefined, heads: line.heads })
      const refused = await streamLines(line, bytes, { ...more, onLine })
      if (refused) throw new RemoteError(errorBody(refused, readJson(refused)))
    },
    async upgrade(route, more) {
      const { upgrade } = await import('./upgrade.ts')
      const path = pathOf(route, more)
      options.onRequest?.(`POST ${path} → session`)
      const opened = await upgrade(await findLine(), path)
      if ('status' in opened) throw new RemoteError(errorBody(opened, readJson(opened)))
      return opened
    },
    async request(route, more = {}) {
      const row = routes[route]
      const reply = await raw(row.method, pathOf(route, more), more)
      const value = readJson(reply)
      if (reply.status >= 400) throw new RemoteError(errorBody(reply, value))
      return value as never
    },
  }
}

const pathOf = (route: RouteName, { params = {}, query = {} }: RequestOptions): string =>
  fillPath(routes[route].path, params) + queryText(query)

/** `/v1/guests/:guest` with its words put in. A word that could become another path is refused here already. */
export function fillPath(path: string, params: Readonly<Record<string, string>>): string {
  return path.replace(/:([a-z]+)/g, (_, name: string) => {
    const value = params[name] ?? ''
    if (/^\.{0,2}$/.test(value)) throw new CroftError('USAGE', `"${value}" cannot be the name of a ${name}`)
    return encodeURIComponent(value.toWellFormed())
  })
}

function queryText(query: NonNullable<RequestOptions['query']>): string {
  const words = Object.entries(query).flatMap(([key, value]) => {
    if (value === undefined || value === false) return []
    const text = value === true ? '1' : String(value)
    return [`${key}=${encodeURIComponent(text.toWellFormed())}`]
  })
  return words.length === 0 ? '' : `?${words.join('&')}`
}

function requestBytes(
  method: string,
  path: string,
  { body, heads }: { body: unknown; heads: readonly string[] },
): Buffer {
  const content = body === undefined ? undefined : Buffer.from(JSON.stringify(body))
  const head = [`${method} ${path} HTTP/1.1`, 'host: croft', 'accept: application/json', 'connection: close', ...heads]
  if (content) head.push('content-type: application/json', `content-length: ${content.length}`)
  else if (method !== 'GET') head.push('content-length: 0')
  return Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`), content ?? Buffer.alloc(0)])
}

function roundTrip(line: Line, bytes: Buffer, more: RequestOptions & { maxBytes: number }): Promise<Reply> {
  const reader = replyReader(more)
  return new Promise((resolve, reject) => {
    const settle = (act: () => void) => {
      more.signal?.removeEventListener('abort', onAbort)
      socket.destroy()
      act()
    }
    const attempt = (read: () => Reply | undefined) => {
      try {
        const reply = read()
        if (reply) settle(() => resolve(reply))
      } catch (error) {
        settle(() => reject(error))
      }
    }
    const onAbort = () => settle(() => reject(more.signal?.reason))
    if (more.signal?.aborted) return reject(more.signal.reason)
    more.signal?.addEventListener('abort', onAbort, { once: true })
    const socket = speak(line, bytes, {
      idleMs: more.idleMs ?? 60_000,
      onData: (chunk) => attempt(() => reader.push(chunk)),
      onEnd: () => attempt(() => reader.end()),
      onFailure: (error) => settle(() => reject(error)),
    })
  })
}

export function readJson(reply: Reply): unknown {
  if (reply.body === '') return null
  if (/^text\/plain/i.test(reply.headers.get('content-type') ?? '')) return reply.body
  try {
    return JSON.parse(reply.body)
  } catch (cause) {
    throw new CroftError('UNREACHABLE', `the daemon answered ${reply.status} with something that is not JSON`, {
      hint: 'croft doctor',
      cause,
    })
  }
}

/** `{error: {code, …}}`, or that inside alone. Codes of a newer daemon are kept readable: they count as FAILED. */
export function errorBody(reply: Reply, value: unknown): ErrorBody {
  const outer = typeof value === 'object' && value !== null ? (value as { error?: unknown }) : {}
  const body = (typeof outer.error === 'object' && outer.error !== null ? outer.error : outer) as Partial<ErrorBody>
  const known = typeof body.code === 'string' && Object.hasOwn(errorTable, body.code)
  const code: ErrorCode = known && body.code ? body.code : reply.status === 404 ? 'NOT_FOUND' : 'FAILED'
  const message = typeof body.message === 'string' ? body.message : `the daemon answered ${reply.status}`
  return {
    code,
    message,
    ...(typeof body.hint === 'string' ? { hint: body.hint } : {}),
    ...(typeof body.op === 'string' ? { op: body.op } : {}),
  }
}

export function items<T>(list: List<T>): readonly T[] {
  return 'items' in list ? list.items : list
}
