/** Files to and from the daemon, as they come: nothing of them is held. */
import { once } from 'node:events'
import { type Line, speak } from './line.ts'
import { broken, ChunkedBody, type Head, type Reply, readHead, replyReader } from './reply.ts'
import { errorBody, RemoteError, readJson } from './request.ts'

export interface Transfer {
  readonly line: Line
  /** With its query. */
  readonly path: string
  readonly signal: AbortSignal
  readonly onBytes: (count: number) => void
}

const replyBytes = 16 * 1024 ** 2
const idleMs = 10 * 60_000

/** POSTs the source, and gives the record that is answered. A refusal in the middle ends it. */
export async function upload(transfer: Transfer, source: AsyncIterable<Uint8Array>): Promise<unknown> {
  const { line, path, signal, onBytes } = transfer
  const reader = replyReader({ maxBytes: replyBytes })
  const answer = Promise.withResolvers<Reply>()
  const attempt = (read: () => Reply | undefined) => {
    try {
      const reply = read()
      if (reply) answer.resolve(reply)
    } catch (thrown) {
      answer.reject(thrown)
    }
  }
  let answered = false
  answer.promise.catch(() => {}).finally(() => (answered = true))
  const heads = ['content-type: application/octet-stream', 'transfer-encoding: chunked', ...line.heads]
  const socket = speak(line, headBytes('POST', path, heads), {
    idleMs,
    onData: (chunk) => attempt(() => reader.push(chunk)),
    onEnd: () => attempt(() => reader.end()),
    onFailure: answer.reject,
  })
  using _ = onAbort(signal, () => answer.reject(signal.reason))
  try {
    await Promise.race([once(socket, line.ready), answer.promise])
    for await (const chunk of source) {
      if (answered) break
      if (chunk.length === 0) continue
      socket.write(`${chunk.length.toString(16)}\r\n`)
      socket.write(chunk)
      if (!socket.write('\r\n')) await Promise.race([once(socket, 'drain'), answer.promise])
      onBytes(chunk.length)
    }
    if (!answered) socket.write('0\r\n\r\n')
    const reply = await answer.promise
    if (reply.status >= 400) throw refusal(reply)
    return readJson(reply)
  } finally {
    socket.destroy()
  }
}

/** GETs a file and hands on its pieces; resolves when it is whole. */
export async function download(transfer: Transfer, sink: (piece: Buffer) => Promise<void>): Promise<void> {
  const { line, path, signal, onBytes } = transfer
  const reader = pieceReader()
  const end = Promise.withResolvers<Reply | undefined>()
  let work = Promise.resolve()
  const attempt = (read: () => Reply | 'ended' | undefined, pieces: () => Buffer) => {
    try {
      const got = read()
      const piece = pieces()
      if (piece.length > 0) pass(piece)
      if (got) work.then(() => end.resolve(got === 'ended' ? undefined : got), end.reject)
    } catch (thrown) {
      end.reject(thrown)
    }
  }
  const pass = (piece: Buffer) => {
    socket.pause()
    onBytes(piece.length)
    work = work.then(() => sink(piece))
    work.then(() => socket.resume(), end.reject)
  }
  const socket = speak(line, headBytes('GET', path, ['connection: close', ...line.heads]), {
    idleMs,
    onData: (chunk) => attempt(() => reader.push(chunk), reader.take),
    onEnd: () => attempt(reader.end, reader.take),
    onFailure: end.reject,
  })
  using _ = onAbort(signal, () => end.reject(signal.reason))
  try {
    const reply = await end.promise
    if (reply) throw refusal(reply)
  } finally {
    socket.destroy()
  }
}

const headBytes = (method: string, path: string, heads: readonly string[]): Buffer =>
  Buffer.from(`${[`${method} ${path} HTTP/1.1`, 'host: croft', ...heads].join('\r\n')}\r\n\r\n`)

function onAbort(signal: AbortSignal, act: () => void): Disposable {
  signal.addEventListener('abort', act, { once: true })
  if (signal.aborted) act()
  return { [Symbol.dispose]: () => signal.removeEventListener('abort', act) }
}

const refusal = (reply: Reply): RemoteError => new RemoteError(errorBody(reply, readJson(reply)))

/** What comes of a file; a refusal is read as a reply. */
function pieceReader() {
  const reply = replyReader({ maxBytes: replyBytes })
  const body = new ChunkedBody()
  let head: Head | undefined
  let kept: Buffer = Buffer.alloc(0)
  const isFile = (): boolean => head !== undefined && head.status < 300 && head.chunked
  return {
    push(chunk: Buffer): Reply | 'ended' | undefined {
      if (head && !isFile()) return reply.push(chunk)
      kept = kept.length === 0 ? chunk : Buffer.concat([kept, chunk])
      if (!head) {
        const read = readHead(kept)
        if (!read) return undefined
        head = read.head
        if (!isFile()) return reply.push(kept)
        kept = read.rest
      }
      kept = body.push(kept, Number.MAX_SAFE_INTEGER)
      return body.ended ? 'ended' : undefined
    },
    take: (): Buffer => body.take(),
    end(): Reply | 'ended' {
      if (head && !isFile()) return reply.end()
      // The last pieces may still be on their way to the disk.
      if (body.ended) return 'ended'
      throw broken('the daemon closed the connection amid its answer: what came is not whole')
    },
  }
}
