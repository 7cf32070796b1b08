/**
 * Runs beside the daemon, in its network: noise at the door to the outside, before, in and after the handshake, the same
 * each time. Words: port, a reader's token. Says what it saw as JSON.
 */
import { connect as connectTcp, createServer, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { chance, mutate } from './raw.ts'

const [port, token] = [Number(process.argv[2]), String(process.argv[3])]
const below = chance(7)
const seen: Record<string, number> = {}
const faults: string[] = []
const place = { host: '127.0.0.1', port }
const clientHello = await captureHello()

await many(400, 40, async () => {
  const hello = mutate(clientHello, below)
  count('hello', await exchange(connectTcp(place), 'connect', hello))
})
await many(200, 20, async () => overTls('stranger', mutate(request(''), below)))
await many(200, 20, async () => overTls('reader', mutate(request(`authorization: Bearer ${token}\r\n`), below)))
const body = (head: string) =>
  `POST /v1/guests HTTP/1.1\r\nhost: x\r\n${head}content-type: application/json\r\ncontent-length: 1048000\r\n\r\n`
await many(20, 10, async () => overTls('body', Buffer.concat([Buffer.from(body('')), Buffer.alloc(200_000, 32)])))
await overTls('head', Buffer.from(`GET /v1/guests HTTP/1.1\r\nx: ${'a'.repeat(40_000)}\r\n\r\n`))

const waiting = await Promise.all(Array.from({ length: 70 }, () => held()))
const refused = waiting.filter((socket) => socket.destroyed).length
const whileHeld = await ask('127.0.0.2')
for (const socket of waiting) socket.destroy()
process.stdout.write(JSON.stringify({ seen, faults, refused, whileHeld }))
process.exit(0)

/** What a client of ours says first. */
function captureHello(): Promise<Buffer> {
  return new Promise((resolve) => {
    const sink = createServer((socket) =>
      socket
        .on('error', () => undefined)
        .once('data', (bytes: Buffer) => {
          socket.destroy()
          sink.close()
          resolve(bytes)
        }),
    )
    sink.listen(0, '127.0.0.1', () => {
      const { port: own } = sink.address() as { port: number }
      connectTls({ host: '127.0.0.1', port: own }).on('error', () => undefined)
    })
  })
}

function request(heads: string): Buffer {
  const text = ['GET /v1/guests', 'PATCH /v1/guests/web', 'GET /v1/history?limit=5', 'POST /v1/login'][below(4)]
  const content = '{"memory":"1G","labels":{"a":"b"}}'
  return Buffer.from(
    `${text} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n${heads}content-type: application/json\r\ncontent-length: ${content.length}\r\n\r\n${content}`,
  )
}

async function overTls(kind: string, bytes: Buffer): Promise<void> {
  count(kind, await exchange(connectTls({ ...place, rejectUnauthorized: false }), 'secureConnect', bytes))
}

function count(kind: string, said: string): void {
  const status = /^HTTP\/1\.1 (\d{3})/.exec(said)?.[1] ?? 'closed'
  const key = `${kind} ${status}`
  seen[key] = (seen[key] ?? 0) + 1
  if (status.startsWith('5')) faults.push(said.slice(0, 300))
  if (kind !== 'reader' && status.startsWith('2')) faults.push(`${kind}: ${said.slice(0, 300)}`)
}

function exchange(socket: Socket, ready: string, bytes: Buffer): Promise<string> {
  return new Promise((resolve) => {
    let said = ''
    socket.on('error', () => undefined)
    socket.setTimeout(ready === 'connect' ? 100 : 1000, () => socket.destroy())
    socket.once(ready, () => socket.write(bytes))
    socket.setEncoding('utf8').on('data', (text: string) => {
      said += text
      if (said.includes('\r\n\r\n') && ready === 'secureConnect') socket.end()
    })
    socket.once('close', () => resolve(said))
  })
}

async function many(total: number, atOnce: number, work: () => Promise<void>): Promise<void> {
  let left = total
  const worker = async () => {
    while (left-- > 0) await work()
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
}

/** Says nothing; given back when the daemon had time to close it. */
async function held(): Promise<Socket> {
  const socket = connectTcp(place).on('error', () => undefined)
  await new Promise((resolve) => socket.once('connect', resolve).once('close', resolve))
  await new Promise((resolve) => socket.setTimeout(1000).once('timeout', resolve).once('close', resolve).resume())
  return socket
}

async function ask(localAddress: string): Promise<string> {
  const socket = connectTls({ ...place, localAddress, rejectUnauthorized: false } as object)
  const said = await exchange(socket, 'secureConnect', request(`authorization: Bearer ${token}\r\n`))
  return said.split('\r\n', 1)[0] ?? ''
}
