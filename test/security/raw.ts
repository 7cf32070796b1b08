/** Bytes over the daemon's socket, whatever they are, and what came back until the end or until it was quiet. */
import { connect, type Socket } from 'node:net'

export function open(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ path, allowHalfOpen: true }, () => resolve(socket))
    socket.once('error', reject)
  })
}

export async function exchange(path: string, parts: readonly (string | Buffer)[], quietMs = 1500): Promise<string> {
  const socket = await open(path)
  socket.on('error', () => undefined)
  let said = ''
  socket.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  const ended = new Promise<void>((resolve) => socket.once('close', () => resolve()).once('end', () => resolve()))
  socket.setTimeout(quietMs, () => socket.destroy())
  for (const part of parts) if (!socket.destroyed) socket.write(part)
  await ended
  socket.destroy()
  return said
}

export interface Answer {
  readonly status: number
  readonly text: string
}

/** One connection, kept from a request to the next: for very many of them, Node's own client is most of the work. */
export class Kept implements Disposable {
  readonly #path: string
  #socket: Socket | undefined

  constructor(path: string) {
    this.#path = path
  }

  async ask(bytes: string): Promise<Answer> {
    if (!this.#socket?.writable) this.#socket = await open(this.#path)
    const socket = this.#socket
    return new Promise((resolve, reject) => {
      let said: Buffer = Buffer.alloc(0)
      const done = (settle: () => void): void => {
        socket.removeAllListeners()
        socket.on('error', () => undefined)
        settle()
      }
      socket.on('data', (part: Buffer) => {
        said = said.length === 0 ? part : Buffer.concat([said, part])
        const answer = whole(said)
        if (!answer) return
        if (/\r\nconnection: close\r\n/i.test(answer.head)) {
          this.#socket = undefined
          socket.end()
        }
        done(() => resolve(answer))
      })
      const cut = (cause?: Error) => done(() => reject(new Error(`the connection ended: ${said}`, { cause })))
      socket
        .on('error', cut)
        .on('end', () => cut())
        .write(bytes)
    })
  }

  [Symbol.dispose](): void {
    this.#socket?.destroy()
  }
}

/** Undefined until all of it is there. */
function whole(bytes: Buffer): (Answer & { readonly head: string }) | undefined {
  const end = bytes.indexOf('\r\n\r\n')
  if (end < 0) return undefined
  const head = bytes.toString('latin1', 0, end + 2)
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(head)?.[1])
  const body = bytes.subarray(end + 4)
  const length = /\r\ncontent-length: *(\d+)\r\n/i.exec(head)?.[1]
  if (length !== undefined) {
    return body.length < Number(length) ? undefined : { head, status, text: body.toString('utf8') }
  }
  if (!/\r\ntransfer-encoding: *chunked\r\n/i.test(head)) return { head, status, text: '' }
  const parts: Buffer[] = []
  for (let at = 0; ; ) {
    const line = body.indexOf('\r\n', at)
    const size = line < 0 ? Number.NaN : Number.parseInt(body.toString('latin1', at, line), 16)
    if (Number.isNaN(size) || body.length < line + 4 + size) return undefined
    if (size === 0) return { head, status, text: Buffer.concat(parts).toString('utf8') }
    parts.push(body.subarray(line + 2, line + 2 + size))
    at = line + 4 + size
  }
}

/** A stream of chance that is the same every time. */
export function chance(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

/** The bytes with a few of them changed, cut out, doubled, or put in. */
export function mutate(bytes: Buffer, below: (limit: number) => number): Buffer {
  let mutated = Buffer.from(bytes)
  for (let count = 1 + below(4); count > 0; count--) {
    const at = below(mutated.length + 1)
    const length = below(12)
    const [head, tail] = [mutated.subarray(0, at), mutated.subarray(at)]
    const noise = Buffer.from(Array.from({ length }, () => below(256)))
    const odd = Buffer.from(oddities[below(oddities.length)] ?? '', 'latin1')
    const made = [
      () => [head, noise, tail],
      () => [head, noise, tail.subarray(length)],
      () => [head, tail.subarray(length)],
      () => [head, tail.subarray(0, length), tail],
      () => [head, odd, tail],
      () => [head],
    ]
    mutated = Buffer.concat(made[below(made.length)]?.() ?? [])
  }
  return mutated
}

const oddities = [
  '\r\n',
  '\n',
  '\0',
  '\r\n\r\n',
  ' ',
  '%00',
  '%',
  '../',
  '\xff\xfe',
  '{',
  '}',
  '"',
  ':',
  '-1',
  '9'.repeat(40),
  'chunked',
  'content-length: 5\r\n',
  '\x1b',
]
