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
