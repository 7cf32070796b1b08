/**
 * The HTTPS front. It is a process of its own and keeps what it was last told in files: it serves on while no process of
 * croft runs, and after a restart of the host. What is wished is told whole each time; the driver finds the least way there.
 */

export interface Edge {
  readonly name: string
  /**
   * Brings the edge to exactly this; returns when it serves so. No request is lost by it. Told twice it does nothing.
   * Throws BAD_VALUE at a malformed value and FAILED with the last lines of the reason when the edge refuses the whole:
   * then the one before serves on, and its files are what they were. An address that cannot be had is left out, with
   * what would be heard there alone, and tried again at the next wish; FAILED when nothing is left.
   */
  serve(wish: EdgeWish): Promise<EdgeChange>
  /** Addresses of the last wish that could not be had. */
  missed(): Promise<readonly Missed[]>
  /** What serves now; asked of the process, not of files. */
  state(): Promise<EdgeState>
  /** Since it was added, by the site's or stream's id; smaller than before means begun anew. Empty when it does not run. */
  counters(): Promise<ReadonlyMap<string, SiteCounters>>
  /**
   * What sites have open to the server of this id: requests and websockets, also where workers of before finish theirs.
   * Rejects when one of them that runs does not answer.
   */
  open(server: string): Promise<number>
  /** By the site's or stream's id, of those whose servers were asked since the last start or reload. Empty when it does not run. */
  answering(): Promise<ReadonlyMap<string, Answering>>
  /** Throws FAILED, with the reason, when it would not serve by this certificate; one that it does not take would hold up all sites. Changes nothing. */
  assertTakes(certificate: EdgeCertificate): Promise<void>
  /** What was answered, the oldest first. It is bounded, and written on while no process of croft runs. */
  readLog(wanted: LogWanted): Promise<LogPage>
  /** Starts it by its files when it should run and does not; true when it had to. */
  revive(): Promise<boolean>
  /** Ends it, open connections with it. */
  stop(): Promise<void>
}

export interface Answering {
  /** One server at least takes connections, and answers its check where there is one. */
  readonly answers: boolean
  /** For how long that is so. */
  readonly seconds: number
}

export interface LogWanted {
  /** Of this site or stream alone. */
  readonly site?: string
  readonly sinceMs?: number
  /** The last so many of what fits; at most 10,000. */
  readonly tail: number
  /** Where a page ended: what came after it. */
  readonly after?: string
}

export interface LogPage {
  readonly lines: readonly AccessLine[]
  readonly next: string
}

/** One request. It holds no query and no header: there are secrets in these. */
export interface AccessLine {
  readonly timeMs: number
  readonly client: string
  /** Absent when no site was found. */
  readonly site?: string
  readonly host?: string
  /** `TCP` of a stream. */
  readonly method: string
  readonly path: string
  /** 0 of a stream, and when the client left before an answer. */
  readonly status: number
  readonly bytesOut: number
  readonly bytesIn: number
  /** In the queue, and until its last byte. */
  readonly waitedMs: number
  readonly tookMs: number
  /** Absent when the edge answered by itself. */
  readonly server?: string
}

export interface Missed {
  readonly listen: string
  /** In words, without the address. */
  readonly why: string
}

/** How much was needed: nothing, words to the running process, new workers beside the old, a start. */
export type EdgeChange = 'none' | 'runtime' | 'reload' | 'start'

export interface EdgeState {
  readonly running: boolean
  /** Old workers that finish their requests are counted. */
  readonly workers: number
  readonly memoryBytes: number | null
  /** Where it is heard. */
  readonly listens: readonly string[]
}

export interface EdgeWish {
  /** Where it listens, `ADDRESS:PORT`, `[ADDRESS]:PORT` or `:PORT` for all. */
  readonly http: readonly string[]
  readonly https: readonly string[]
  readonly sites: readonly Site[]
  readonly streams: readonly StreamSite[]
  readonly certificates: readonly EdgeCertificate[]
  /** What ACME servers ask for: path word and answer. Answered on every host name, before any redirect. */
  readonly tokens: readonly AcmeToken[]
  /** Who passes a maintenance page. */
  readonly operators: readonly string[]
  /** Networks that the name of an upstream may not lead to, whenever it is asked for. */
  readonly near: readonly string[]
}

export interface AcmeToken {
  readonly token: string
  readonly answer: string
}

/** Chosen by the name that the client asks for; `*.example.org` stands for one label. */
export interface EdgeCertificate {
  /** Letters, digits, dot, - and _: it becomes a file's name. */
  readonly name: string
  readonly names: readonly string[]
  /** Key and chain. */
  readonly pem: string
}

/** One route of HTTP: names and a path, and what answers there. Of several paths the longest that fits whole segments counts. */
export interface Site {
  /** 1 to 40 of a-z and 0-9; names backends and counters, and stays the same for the life of the route. */
  readonly id: string
  /** Names that serve; the first is the one that aliases lead to. `*.example.org` stands for one label. */
  readonly hosts: readonly string[]
  /** `/`, or `/api`. */
  readonly path: string
  /** Names that answer with a redirect (301) to the first host. */
  readonly aliases: readonly string[]
  readonly target: SiteTarget
  /** `only`: what comes by http is redirected to https; `both` serves both; `off` is http alone. */
  readonly https: 'only' | 'both' | 'off'
  readonly limits: SiteLimits
  readonly compress: boolean
  /** Hosts (preview names) that no search engine may keep. */
  readonly noindex: readonly string[]
  /** Who may come: networks; empty is everybody. `deny` goes first. */
  readonly allow: readonly string[]
  readonly deny: readonly string[]
  /** Basic authentication: user and crypt(3) hash (`$6$…`). Empty: nobody is asked. */
  readonly users: readonly { readonly name: string; readonly hash: string }[]
  /** 503 with Retry-After for all but operators. */
  readonly maintenance?: { readonly retryAfterSeconds: number; readonly text?: string }
}

export type SiteTarget =
  /** No server: 503. */
  | {
      readonly kind: 'servers'
      readonly servers: readonly EdgeServer[]
      /** A client stays with its server, by a cookie. */
      readonly sticky: boolean
      /** `headers`: X-Forwarded-For and friends, those of the client dropped. `proxy`: the PROXY protocol v2 as well. */
      readonly clientAddress: 'headers' | 'proxy'
      /** Nobody answered for long: requests wait for it no more, and are served again when somebody does. */
      readonly silent?: boolean
      /** Asked by GET each few seconds; absent: a server counts as there until a connection fails. */
      readonly check?: { readonly path: string }
    }
  /** What still lives elsewhere; `host` is what the other side hears as Host, and as SNI. */
  | {
      readonly kind: 'upstream'
      readonly scheme: 'http' | 'https'
      readonly host: string
      /** Where it is; absent: DNS is asked for `host`. A site on its way here has its name here already. */
      readonly address?: string
      /** Its name may lead to `near`. */
      readonly near?: boolean
      readonly port: number
      /** The other side's certificate is looked at by the host's CAs. */
      readonly verify: boolean
    }
  | { readonly kind: 'redirect'; readonly to: string; readonly status: 301 | 302 | 308; readonly keepPath: boolean }

export interface EdgeServer {
  /** Like a site's id; the same as long as it is the same guest. */
  readonly id: string
  readonly address: string
  readonly port: number
  /** `drain`: finishes what it has and gets nothing new. */
  readonly state: 'ready' | 'drain'
}

export interface SiteLimits {
  /** Requests a second from one client address; more is answered 429. */
  readonly requestsPerSecond?: number
  readonly bodyBytes?: number
  /** How long a server may take to answer. */
  readonly timeoutSeconds: number
  /** How long a request waits while no server takes connections. */
  readonly queueSeconds: number
  /** Open requests to one server; more wait. */
  readonly connectionsPerServer?: number
}

/** TCP as it is: by its own port, or by the name in TLS' first words on the https port (`passthrough`). */
export interface StreamSite {
  readonly id: string
  readonly match:
    | { readonly kind: 'port'; readonly listen: string }
    | { readonly kind: 'passthrough'; readonly hosts: readonly string[] }
  readonly servers: readonly EdgeServer[]
  readonly clientAddress: 'none' | 'proxy'
}

export interface SiteCounters {
  readonly requests: number
  readonly errors5xx: number
  readonly errors4xx: number
  readonly bytesIn: number
  readonly bytesOut: number
  readonly open: number
  readonly queued: number
  /** Servers that take connections, of all. */
  readonly serversUp: number
  readonly servers: number
}
