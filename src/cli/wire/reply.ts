/** Reads one HTTP/1.1 reply from chunks as they come. Pure: bytes in, reply out. */
import { CroftError } from '../../api/errors.ts'

export interface Reply {
  readonly status: number
  readonly headers: ReadonlyMap<string, string>
  readonly body: string
}

export interface ReplyReader {
  /** The reply once it is whole. Throws UNREACHABLE on what is no HTTP or too large. */
  push(chunk: Buffer): Reply | undefined
  /** The connection ended. Throws UNREACHABLE when the reply is not whole. */
  end(): Reply
}

const headLimit = 64 * 1024

export interface Head {
  readonly status: number
  readonly headers: ReadonlyMap<string, string>
  readonly length: number | undefined
  readonly chunked: boolean
}

export function replyReader(options: { maxBytes: number }): ReplyReader {
  let head: Head | undefined
  let kept: Buffer[] = []
  let keptBytes = 0
  const body = new ChunkedBody()

  const whole = (): Buffer => {
    const buffer = Buffer.concat(kept)
    kept = [buffer]
    return buffer
  }
  const keep = (bytes: Buffer) => {
    kept = [bytes]
    keptBytes = bytes.length
  }
  const finish = (bytes: Buffer): Reply => ({
    status: head?.status ?? 0,
    headers: head?.headers ?? new Map(),
    body: bytes.toString('utf8'),
  })

  function take(): Reply | undefined {
    if (!head) {
      const read = readHead(whole())
      if (!read) return undefined
      keep(read.rest)
      if (read.head.status < 200) return take()
      head = read.head
    }
    if (head.status === 204 || head.status === 304) return finish(Buffer.alloc(0))
    if (head.chunked) {
      keep(body.push(whole(), options.maxBytes))
      return body.ended ? finish(body.bytes()) : undefined
    }
    if ((head.length ?? 0) > options.maxBytes || keptBytes > options.maxBytes) throw tooLarge(options.maxBytes)
    if (head.length === undefined || keptBytes < head.length) return undefined
    return finish(whole().subarray(0, head.length))
  }

  return {
    push(chunk) {
      kept.push(chunk)
      keptBytes += chunk.length
      return take()
    },
    end() {
      if (!head) throw broken('the daemon closed the connection without an answer')
      if (head.chunked || head.length !== undefined) throw broken('the daemon closed the connection amid its answer')
      return finish(whole())
    },
  }
}

export function readHead(bytes: Buffer): { head: Head; rest: Buffer } | undefined {
  const end = bytes.indexOf('\r\n\r\n')
  if (end < 0 && bytes.length <= headLimit) return undefined
  if (end < 0 || end > headLimit) throw broken('the answer on the socket has no end to its head')
  const [first = '', ...lines] = bytes.toString('latin1', 0, end).split('\r\n')
  const status = Number(/^HTTP\/1\.[01] (\d{3})( |$)/.exec(first)?.[1] ?? Number.NaN)
  if (Number.isNaN(status)) throw broken('what answers on the socket does not speak HTTP')
  const headers = new Map<string, string>()
  for (const line of lines) {
    const colon = line.indexOf(':')
    if (colon > 0) headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim())
  }
  const length = headers.get('content-length')
  if (length !== undefined && !/^\d{1,15}$/.test(length)) throw broken('the answer has a bad content-length')
  const chunked = /\bchunked\s*$/i.test(headers.get('transfer-encoding') ?? '')
  const head = { status, headers, length: length === undefined ? undefined : Number(length), chunked }
  return { head, rest: bytes.subarray(end + 4) }
}

/** The chunks of a chunked body, joined. What is not yet a whole line or chunk is handed back and comes again. */
export class ChunkedBody {
  ended = false
  #parts: Buffer[] = []
  #size = 0
  /** Bytes still missing of the chunk at hand; undefined before its size line. */
  #left: number | undefined
  #last = false

  bytes(): Buffer {
    return Buffer.concat(this.#parts)
  }

  /** What came since it was last taken: for who reads on while it comes. */
  take(): Buffer {
    const bytes = this.bytes()
    this.#parts = []
    this.#size = 0
    return bytes
  }

  push(bytes: Buffer, maxBytes: number): Buffer {
    let rest = bytes
    while (!this.ended && rest.length > 0) {
      const next = this.#left === undefined ? this.#line(rest, maxBytes) : this.#chunk(rest, this.#left)
      if (!next) return rest
      rest = next
    }
    return rest
  }

  #line(bytes: Buffer, maxBytes: number): Buffer | undefined {
    const end = bytes.indexOf('\r\n')
    if (end < 0 && bytes.length > 4096) throw broken('the answer has a bad chunk')
    if (end < 0) return undefined
    const line = bytes.toString('latin1', 0, end)
    const rest = bytes.subarray(end + 2)
    if (this.#last) {
      this.ended = line === ''
      return rest
    }
    const size = /^([0-9a-f]{1,8})\s*(;|$)/i.exec(line)?.[1]
    if (size === undefined) throw broken('the answer has a bad chunk')
    this.#left = Number.parseInt(size, 16)
    this.#size += this.#left
    if (this.#size > maxBytes) throw tooLarge(maxBytes)
    if (this.#left === 0) {
      this.#last = true
      this.#left = undefined
    }
    return rest
  }

  /** A chunk's bytes are taken as they come, the line end behind it only whole. */
  #chunk(bytes: Buffer, left: number): Buffer | undefined {
    if (left > 0) {
      const part = bytes.subarray(0, left)
      this.#parts.push(part)
      this.#left = left - part.length
      return bytes.subarray(part.length)
    }
    if (bytes.length < 2) return undefined
    if (bytes[0] !== 13 || bytes[1] !== 10) throw broken('the answer has a bad chunk')
    this.#left = undefined
    return bytes.subarray(2)
  }
}

function tooLarge(maxBytes: number): CroftError {
  return broken(`the answer is larger than ${Math.round(maxBytes / 1024 ** 2)} MB`)
}

export function broken(message: string): CroftError {
  return new CroftError('UNREACHABLE', message, { hint: 'croft doctor' })
}
