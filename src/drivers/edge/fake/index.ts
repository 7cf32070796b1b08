/** The edge in memory: the same checks as a real one, and requests that are asked directly. */
import { CroftError } from '../../../api/errors.ts'
import { checkPem, checkWish } from '../check.ts'
import type {
  AccessLine,
  Answering,
  Edge,
  EdgeChange,
  EdgeServer,
  EdgeWish,
  Missed,
  Site,
  SiteCounters,
} from '../driver.ts'
import { listensIn, without } from '../missed.ts'

export interface FakeRequest {
  readonly host: string
  readonly path: string
  readonly secure: boolean
}

export interface FakeAnswer {
  readonly status: number
  readonly location?: string
  readonly text?: string
  readonly by?: EdgeServer
}

export interface FakeEdge extends Edge {
  /** Undefined when nobody listens. */
  ask(request: FakeRequest): FakeAnswer | undefined
  /** As a foreign hand does. */
  kill(): void
  /** So much is open to each server from now on. */
  hold(open: number): void
  /** Nobody listens at this server, or somebody does again. */
  silence(server: string, silent?: boolean): void
  /** What each wish needed. */
  readonly ways: EdgeChange[]
  /** Addresses that another program has. */
  readonly taken: Set<string>
  readonly wish: EdgeWish | undefined
}

/** `refuses` makes it answer as a real one does to what only the process itself finds wrong. */
export function createFakeEdge({
  refuses,
}: {
  readonly refuses?: (wish: EdgeWish) => Error | undefined
} = {}): FakeEdge {
  let wish: EdgeWish | undefined
  let alive = false
  /** It was told something, and not stopped since. */
  let shall = false
  let held = 0
  let missed: Missed[] = []
  const ways: EdgeChange[] = []
  const taken = new Set<string>()
  const requests = new Map<string, number>()
  const lines: AccessLine[] = []
  const silenced = new Set<string>()

  function ask(request: FakeRequest): FakeAnswer | undefined {
    const site = wish?.sites && siteFor(wish.sites, request)
    const answer = answerTo(request)
    if (answer) lines.push(lineOf(request, { answer, site }))
    return answer
  }

  function answerTo(request: FakeRequest): FakeAnswer | undefined {
    if (!alive || !wish || (request.secure ? wish.https : wish.http).length === 0) return undefined
    const token = wish.tokens.find(({ token }) => request.path === `/.well-known/acme-challenge/${token}`)
    if (token) return { status: 200, text: token.answer }
    const aliased = wish.sites.find(({ aliases }) => aliases.includes(request.host))
    if (aliased) return { status: 301, location: `${origin(aliased, wish)}${request.path}` }
    const site = siteFor(wish.sites, request)
    if (!site) return { status: 404 }
    requests.set(site.id, (requests.get(site.id) ?? 0) + 1)
    return answerOf(site, request, wish)
  }

  return {
    name: 'fake',
    async serve(wished) {
      checkWish(wished)
      missed = listensIn(wished).flatMap((listen) =>
        taken.has(listen) ? [{ listen, why: 'another program has it' }] : [],
      )
      const next = without(wished, [...taken])
      if (missed.length > 0 && listensIn(next).length === 0) {
        alive = false
        throw new CroftError('FAILED', 'the edge has no address')
      }
      for (const certificate of next.certificates) checkPem(certificate)
      const refusal = refuses?.(next)
      if (refusal) throw refusal
      const same = alive && JSON.stringify(next) === JSON.stringify(wish)
      const way = same ? 'none' : !alive ? 'start' : structureOf(next) === structureOf(wish) ? 'runtime' : 'reload'
      if (way === 'start') requests.clear()
      wish = structuredClone(next)
      alive = true
      shall = true
      ways.push(way)
      return way
    },
    missed: async () => missed,
    state: async () => ({
      ...{ running: alive, workers: alive ? 1 : 0, memoryBytes: alive ? 1 : null },
      listens: alive && wish ? listensIn(wish) : [],
    }),
    counters: async () =>
      new Map(alive ? wish?.sites.map((site) => [site.id, countersOf(site, requests.get(site.id) ?? 0)]) : []),
    async assertTakes(certificate) {
      checkPem(certificate)
    },
    async answering() {
      const sites = alive ? (wish?.sites ?? []) : []
      return new Map(sites.flatMap((site) => answeringOf(site, silenced)))
    },
    async readLog({ site, tail, after = '0' }) {
      const found = lines.slice(Number(after)).filter((line) => site === undefined || line.site === site)
      return { lines: found.slice(Math.max(0, found.length - tail)), next: String(lines.length) }
    },
    open: async () => held,
    async revive() {
      if (alive || !shall) return false
      alive = true
      return true
    },
    async stop() {
      alive = false
      shall = false
    },
    ask,
    taken,
    ways,
    hold(open) {
      held = open
    },
    silence: (server, silent = true) => void (silent ? silenced.add(server) : silenced.delete(server)),
    kill: () => {
      alive = false
    },
    get wish() {
      return wish
    },
  }
}

/** Time stands still here. */
const lineOf = (
  { host, path }: FakeRequest,
  { answer: { status, by }, site }: { readonly answer: FakeAnswer; readonly site: Site | undefined },
): AccessLine => ({
  ...{ timeMs: 0, client: '192.0.2.1', host, method: 'GET', path, status },
  ...{ bytesOut: 0, bytesIn: 0, waitedMs: 0, tookMs: 0 },
  ...(site ? { site: site.id } : {}),
  ...(by ? { server: by.id } : {}),
})

/** What a running edge can be told without new workers: servers, names, certificates, tokens. */
const structureOf = (wish: EdgeWish | undefined): string =>
  JSON.stringify({
    ...wish,
    certificates: [],
    tokens: [],
    sites: wish?.sites.map((site) => ({
      ...site,
      ...{ hosts: [], aliases: [], noindex: [], path: '' },
      target: { ...site.target, servers: [] },
    })),
    streams: wish?.streams.map((stream) => ({ ...stream, servers: [] })),
  })

function siteFor(sites: readonly Site[], { host, path }: FakeRequest): Site | undefined {
  const wild = host.replace(/^[^.]+/, '*')
  const fits = (name: string) =>
    sites
      .filter((site) => site.hosts.includes(name) && `${path}/`.startsWith(site.path === '/' ? '/' : `${site.path}/`))
      .sort((a, b) => b.path.length - a.path.length)[0]
  return fits(host) ?? fits(wild)
}

function answeringOf({ id, target }: Site, silenced: ReadonlySet<string>): [string, Answering][] {
  const ready = target.kind === 'servers' ? target.servers.filter(({ state }) => state === 'ready') : []
  return ready.length === 0 ? [] : [[id, { answers: ready.some((one) => !silenced.has(one.id)), seconds: 3600 }]]
}

function answerOf(site: Site, request: FakeRequest, wish: EdgeWish): FakeAnswer {
  if (site.https === 'only' && !request.secure && wish.https.length > 0)
    return { status: 301, location: `${origin(site, wish, request.host)}${request.path}` }
  if (site.maintenance) return { status: 503 }
  if (site.users.length > 0) return { status: 401 }
  const { target } = site
  if (target.kind === 'upstream') return { status: 502 }
  if (target.kind === 'redirect')
    return {
      status: target.status,
      location: target.keepPath ? target.to.replace(/\/+$/, '') + request.path : target.to,
    }
  const ready = target.servers.find(({ state }) => state === 'ready')
  return ready ? { status: 200, by: ready } : { status: 503 }
}

function origin(site: Site, { https }: EdgeWish, host = site.hosts[0] ?? ''): string {
  const port = /:(\d+)$/.exec(https[0] ?? '')?.[1]
  return https.length > 0 && site.https !== 'off'
    ? `https://${host}${port === '443' ? '' : `:${port}`}`
    : `http://${host}`
}

const countersOf = ({ target }: Site, requests: number): SiteCounters => {
  const servers: readonly EdgeServer[] = target.kind === 'servers' ? target.servers : []
  const up = servers.filter(({ state }) => state === 'ready').length
  const none = { errors5xx: 0, errors4xx: 0, bytesIn: 0, bytesOut: 0, open: 0, queued: 0 }
  return { requests, ...none, serversUp: up, servers: servers.length }
}
