/**
 * Requests to the other hosts of the farm, over mutual TLS that is kept alive. A host shows its own certificate, and takes
 * an answer from nobody but the host that it meant. Each request is vouched for before its body leaves: a host that does not
 * say so within two seconds is unreachable, and then nothing was done there.
 */
import type { IncomingHttpHeaders } from 'node:http'
import type { Duplex, Readable } from 'node:stream'
import type { Caller } from '../http/access.ts'

export interface PeerRequest {
  readonly method: string
  /** With its query. */
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  /** Text is JSON unless `headers` says otherwise. */
  readonly body?: string | Readable
  /** For whom it is asked there. Absent: this host asks for itself. */
  readonly caller?: Caller
  /** Ends the request, and its answer. */
  readonly signal?: AbortSignal
  /** Until the answer begins. Without one: as long as it takes, while the host lives. */
  readonly deadlineMs?: number
}

export interface PeerAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** To be read to its end, or destroyed. */
  readonly body: Readable
}

/** The connection itself, once the other side has taken it over. */
export interface PeerConnection {
  readonly socket: Duplex
}

/** Throws HOST_UNREACHABLE. What the other host answers is no failure here, whatever it says. */
export interface Peers {
  request(host: string, asked: PeerRequest): Promise<PeerAnswer>
  /** `protocol` is what the connection is asked to become; an answer: it was refused. */
  upgrade(
    host: string,
    asked: Omit<PeerRequest, 'body'> & { readonly protocol: string },
  ): Promise<PeerConnection | PeerAnswer>
  close(): void
}
