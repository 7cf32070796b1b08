/** A daemon of a few lines on a unix socket, and a command line without a machine around it. */
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Guest } from '../../../src/api/guest.ts'
import type { Operation } from '../../../src/api/resources.ts'
import type { Io } from '../../../src/cli/io.ts'
import { runCli } from '../../../src/cli/run.ts'

export interface Asked {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly body: unknown
}
export type Answerer = (asked: Asked) => { readonly status?: number; readonly value: unknown } | undefined

export interface FakeDaemon extends AsyncDisposable {
  readonly socketPath: string
  readonly asked: readonly Asked[]
}

/** Whatever speaks on a unix socket. */
export async function listen(onSocket: (socket: Socket) => void): Promise<AsyncDisposable & { socketPath: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'croft-fake-'))
  const socketPath = join(folder, 's')
  const open = new Set<Socket>()
  const server = createServer((socket) => {
    open.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => open.delete(socket))
    onSocket(socket)
  })
  await new Promise<void>((resolve) => server.listen(socketPath, resolve))
  return {
    socketPath,
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
      rmSync(folder, { recursive: true })
    },
  }
}

export async function fakeDaemon(answer: Answerer): Promise<FakeDaemon> {
  const asked: Asked[] = []
  const server = await listen((socket) => {
    let bytes = Buffer.alloc(0)
    socket.on('data', (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk])
      const request = readRequest(bytes)
      if (!request) return
      asked.push(request)
      const { status = 200, value } = answer(request) ?? { status: 404, value: notFound }
      const content = Buffer.from(JSON.stringify(value))
      socket.end(
        Buffer.concat([
          Buffer.from(
            `HTTP/1.1 ${status} X\r\ncontent-type: application/json\r\ncontent-length: ${content.length}\r\n\r\n`,
          ),
          content,
        ]),
      )
    })
  })
  return { socketPath: server.socketPath, asked, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() }
}

const notFound = { error: { code: 'NOT_FOUND', message: 'no such route in the fake' } }

function readRequest(bytes: Buffer): Asked | undefined {
  const end = bytes.indexOf('\r\n\r\n')
  if (end < 0) return undefined
  const head = bytes.toString('latin1', 0, end)
  const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0)
  const content = bytes.subarray(end + 4)
  if (content.length < length) return undefined
  const [method = '', target = ''] = head.split(' ')
  const url = new URL(target, 'http://croft')
  const body: unknown = length === 0 ? undefined : JSON.parse(content.toString())
  return { method, path: url.pathname, query: url.searchParams, body }
}

export interface Ran {
  readonly code: number
  readonly out: string
  readonly err: string
}

export interface RunOptions {
  readonly socketPath?: string
  readonly env?: Record<string, string>
  readonly stdin?: string
  readonly tty?: boolean
  /** What lsblk says. */
  readonly disks?: string
  /** What is typed at questions, in turn. */
  readonly typed?: readonly string[]
  readonly files?: Readonly<Record<string, string>>
  /** Handed the way to press Ctrl-C. */
  readonly onInterruptible?: (interrupt: () => void) => void
}

export async function croft(argv: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const said = { out: '', err: '' }
  const into = (stream: 'out' | 'err') => (text: string) => {
    said[stream] += text
  }
  const typed = [...(options.typed ?? [])]
  const tty = options.tty ?? false
  const io: Io = {
    env: { LANG: 'C.UTF-8', CROFT_SOCKET: options.socketPath ?? '/nonexistent/croft.sock', ...options.env },
    stdout: { tty, columns: 80, write: into('out') },
    stderr: { tty, columns: 80, write: into('err') },
    stdinTty: tty,
    readStdin: async () => options.stdin ?? '',
    async readTextFile(path) {
      const text = options.files?.[path]
      if (text === undefined) throw new Error('ENOENT')
      return text
    },
    async ask(question) {
      said.err += question
      return typed.shift()
    },
    async askHidden(question) {
      said.err += question
      return typed.shift()
    },
    listDisks: async () => options.disks ?? '{}',
    onInterrupt(callback) {
      options.onInterruptible?.(callback)
      return { [Symbol.dispose]() {} }
    },
    sleep: () => new Promise((resolve) => setImmediate(resolve)),
    now: () => Date.parse('2026-01-02T03:04:05Z'),
    elapsedMs: () => 110,
  }
  const code = await runCli(argv, io)
  return { code, ...said }
}

export function guest(
  name: string,
  more: { state?: string; labels?: Record<string, string>; reason?: string } = {},
): Guest {
  return {
    name,
    number: 1,
    id: `id-${name}`,
    host: 'ash',
    generation: 1,
    revision: 7,
    created: '2026-01-02T00:00:00Z',
    spec: {
      run: 'running',
      stop: 'graceful',
      restarts: 0,
      template: 'debian:12',
      root: { id: 'r', from: { kind: 'template', id: 't', ref: 'debian:12' } },
      pool: 'default',
      network: 'default',
      limits: { memoryBytes: 1024 ** 3 },
      labels: more.labels ?? {},
      autostart: true,
      order: 0,
      ports: [],
      rules: [],
      keys: [],
    },
    status: {
      state: (more.state ?? 'running') as 'running',
      generation: 1,
      since: '2026-01-02T03:00:00Z',
      startedAt: '2026-01-02T03:00:00Z',
      ...(more.reason === undefined ? {} : { reason: more.reason }),
    },
    ipv4: '10.100.0.1',
    ipv6: 'fd00::1',
  }
}

export function operation(more: Partial<Operation> = {}): Operation {
  return {
    id: 'op1op1op1',
    verb: 'create',
    target: { kind: 'guest', name: 'web' },
    by: 'root',
    state: 'done',
    created: '2026-01-02T03:04:00Z',
    log: [],
    ...more,
  }
}
