/**
 * Runs inside one network namespace and does there what the test asks over the ipc channel: listens, connects, sends.
 * Every service answers with the address that it saw as its client, and with the name of the place it is in.
 */
import { spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { writeFile } from 'node:fs/promises'
import { connect, createServer, isIPv6 } from 'node:net'
import { createRunner } from '../../src/drivers/exec/runner.ts'
import { createRouted } from '../../src/drivers/network/routed/index.ts'

export interface Attempt {
  readonly protocol: 'tcp' | 'udp'
  readonly to: string
  readonly port: number
  readonly source?: string
  readonly sourcePort?: number
  readonly waitMs: number
}

const received = { bytes: 0 }
const network = createRouted({ run: createRunner() })

const actions = {
  async listen(ports: readonly number[]): Promise<void> {
    await Promise.all(ports.flatMap((port) => [listenTcp(port), listenUdp(port)]))
  },
  attempt: (attempt: Attempt) => (attempt.protocol === 'tcp' ? overTcp(attempt) : overUdp(attempt)),
  raw: (words: readonly string[]) => raw(words),
  flood,
  takeReceived: async () => {
    const { bytes } = received
    received.bytes = 0
    return bytes
  },
  set: ({ path, value }: { path: string; value: string }) => writeFile(`/proc/sys/${path}`, value),
  prepare: () => network.prepare(),
  uplink: () => network.uplink(),
  links: () => network.links(),
  tune: (link: string) => network.tune(link, { reachableFromLoopback: true }),
  removeLink: (link: string) => network.removeLink(link),
}
export type Actions = typeof actions

function listenTcp(port: number): Promise<void> {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.end(told(socket.remoteAddress))
  })
  return new Promise((resolve) => server.listen(port, '::', () => resolve()))
}

function listenUdp(port: number): Promise<void> {
  const socket = createSocket('udp6')
  socket.on('message', (message, from) => {
    received.bytes += message.length
    if (message.length < 100) socket.send(told(from.address), from.port, from.address)
  })
  return new Promise((resolve) => socket.bind(port, () => resolve()))
}

/** What the other side saw, `refused`, or undefined when nothing came back. */
function overTcp({ to, port, source, waitMs }: Attempt): Promise<string | undefined> {
  return new Promise((resolve) => {
    let said = ''
    const socket = connect({ host: to, port, ...(source === undefined ? {} : { localAddress: source }) })
    const timer = setTimeout(() => end(undefined), waitMs)
    const end = (answer: string | undefined) => {
      clearTimeout(timer)
      socket.destroy()
      resolve(answer)
    }
    socket.on('data', (part) => {
      said += part.toString()
    })
    socket.on('end', () => end(said))
    socket.on('error', (error: NodeJS.ErrnoException) => end(error.code === 'ECONNREFUSED' ? 'refused' : undefined))
  })
}

function overUdp({ to, port, source, sourcePort, waitMs }: Attempt): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = createSocket(isIPv6(to) ? 'udp6' : 'udp4')
    const send = () => socket.send('?', port, to, () => {})
    // The first packet may wait for a neighbour, and be dropped there; a refused one is sent in vain each time.
    const again = setInterval(send, 100)
    const end = (answer: string | undefined) => {
      clearInterval(again)
      clearTimeout(timer)
      socket.close()
      resolve(answer)
    }
    const timer = setTimeout(() => end(undefined), waitMs)
    socket.on('message', (message) => end(message.toString()))
    socket.on('error', () => end(undefined))
    socket.bind({ ...(source ? { address: source } : {}), port: sourcePort ?? 0 }, send)
  })
}

/** Datagrams of `size` bytes as fast as they go, each from a new port when `fresh`; returns how many. */
async function flood(options: { to: string; port: number; size: number; count: number }): Promise<number> {
  const { to, port, size, count } = options
  const socket = createSocket(isIPv6(to) ? 'udp6' : 'udp4')
  const payload = Buffer.alloc(size, 1)
  for (let i = 0; i < count; i += 1) {
    await new Promise<void>((resolve) => socket.send(payload, port, to, () => resolve()))
  }
  socket.close()
  return count
}

/** Perl is in every Debian, and has the raw sockets that Node lacks. Resolves to what it printed. */
function raw(words: readonly string[]): Promise<string> {
  const child = spawn('perl', [new URL('firewall-raw.pl', import.meta.url).pathname, ...words])
  let said = ''
  child.stdout.on('data', (part) => {
    said += part
  })
  child.stderr.pipe(process.stderr)
  return new Promise((resolve) => child.on('close', () => resolve(said.trim())))
}

const told = (client?: string): string => `${plain(client)} ${process.argv[2]}`
const plain = (address = ''): string => address.replace(/^::ffff:/, '')

process.on('message', async ({ id, name, argument }: { id: number; name: keyof Actions; argument: never }) => {
  try {
    answer({ id, answer: await actions[name](argument) })
  } catch (thrown) {
    answer({ id, error: String(thrown) })
  }
})
function answer(message: object): void {
  // A test that ended does not wait for its answers.
  if (process.connected) process.send?.(message, undefined, {}, () => {})
}
process.on('disconnect', () => process.exit())
