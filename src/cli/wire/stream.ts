/** Reads an answer that goes on, line by line as it comes. */
import { type Line, speak } from './line.ts'
import { broken, ChunkedBody, type Head, type Reply, readHead, replyReader } from './reply.ts'

export interface StreamOptions {
  readonly signal?: AbortSignal | undefined
  /** How long nothing may come; the daemon says at least where it is, each 15 s. */
  readonly idleMs?: number
  readonly onLine: (line: string) => void
}

const longestLine = 4 * 1024 ** 2

/** Undefined when the stream has ended or was left; the reply when the daemon refused. Throws UNREACHABLE when it broke off. */
export function streamLines(
  line: Line,
  bytes: Buffer,
  { signal, idleMs = 60_000, onLine }: StreamOptions,
): Promise<Reply | undefined> {
  const reader = lineReader(onLine)
  return new Promise((resolve, reject) => {
    const settle = (act: () => void) => {
      signal?.removeEventListener('abort', onAbort)
      socket.destroy()
      act()
    }
    const attempt = (read: () => Reply | 'ended' | undefined) => {
      try {
        const got = read()
        if (got) settle(() => resolve(got === 'ended' ? undefined : got))
      } catch (error) {
        settle(() => reject(error))
      }
    }
    const onAbort = () => settle(() => resolve(undefined))
    if (signal?.aborted) return resolve(undefined)
    signal?.addEventListener('abort', onAbort, { once: true })
    const socket = speak(line, bytes, {
      idleMs,
      onData: (chunk) => attempt(() => reader.push(chunk)),
      onEnd: () => attempt(() => reader.end()),
      onFailure: (error) => settle(() => reject(error)),
    })
  })
}

export interface LineReader {
  push(chunk: Buffer): Reply | 'ended' | undefined
  end(): Reply | 'ended'
}

/** Pure: bytes in, lines out. What is no stream is read as a reply. */
export function lineReader(onLine: (line: string) => void): LineReader {
  const reply = replyReader({ maxBytes: longestLine })
  const body = new ChunkedBody()
  let head: Head | undefined
  let kept: Buffer = Buffer.alloc(0)
  let line: Buffer = Buffer.alloc(0)

  const isStream = (): boolean => head !== undefined && head.status < 300 && head.chunked

  function tell(bytes: Buffer): void {
    line = line.length === 0 ? bytes : Buffer.concat([line, bytes])
    let from = 0
    for (let end = line.indexOf(10); end >= 0; end = line.indexOf(10, from)) {
      const text = line.toString('utf8', from, end)
      from = end + 1
      if (text !== '') onLine(text)
    }
    line = line.subarray(from)
    if (line.length > longestLine) throw broken('the answer has a line without end')
  }

  return {
    push(chunk) {
      if (head && !isStream()) return reply.push(chunk)
      kept = Buffer.concat([kept, chunk])
      if (!head) {
        const read = readHead(kept)
        if (!read) return undefined
        head = read.head
        if (!isStream()) return reply.push(kept)
        kept = read.rest
      }
      kept = body.push(kept, longestLine)
      tell(body.take())
      return body.ended ? 'ended' : undefined
    },
    end() {
      if (head && !isStream()) return reply.end()
      throw broken('the daemon closed the connection amid its answer')
    },
  }
}
