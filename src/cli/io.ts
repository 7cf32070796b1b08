/** The outside of a command line: streams, environment, signals. Tests bring their own. */
import { fstatSync, readFileSync, writeSync } from 'node:fs'
import type { Finding } from '../api/resources.ts'

export interface Io {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly stdout: Output
  readonly stderr: Output
  readonly stdinTty: boolean
  /** All of stdin as text. */
  readStdin(): Promise<string>
  readTextFile(path: string): Promise<string>
  /** One line from the terminal; undefined when it was closed. */
  ask(question: string): Promise<string | undefined>
  /** The same, and what is typed is not shown. */
  askHidden(question: string): Promise<string | undefined>
  /** Calls back at Ctrl-C until disposed. */
  onInterrupt(callback: () => void): Disposable
  sleep(ms: number, signal?: AbortSignal): Promise<void>
  /** The disks of this host, as lsblk lists them in JSON; absent for those who are not root. */
  readonly listDisks?: () => Promise<string>
  /** The doctor's look at this host without its daemon; absent for those who are not root. */
  readonly examineHost?: () => Promise<readonly Finding[]>
  now(): number
  /** Milliseconds since the command was started. */
  elapsedMs(): number
}

export interface Output {
  readonly tty: boolean
  readonly columns: number
  write(text: string): void
}

export function systemIo(): Io {
  return {
    env: process.env,
    stdout: output(1),
    stderr: output(2),
    get stdinTty() {
      return isTerminal(0)
    },
    readStdin: () => readAll(process.stdin),
    readTextFile: async (path) => readFileSync(path, 'utf8'),
    ask,
    askHidden: async (question) => (await import('./screen/hidden.ts')).askHidden(question),
    onInterrupt(callback) {
      process.on('SIGINT', callback)
      return { [Symbol.dispose]: () => void process.off('SIGINT', callback) }
    },
    sleep,
    ...(process.getuid?.() === 0 ? { examineHost, listDisks } : {}),
    now: () => Date.now(),
    elapsedMs: () => process.uptime() * 1000,
  }
}

async function listDisks(): Promise<string> {
  return (await import('./process/spawn.ts')).disksOfHost()
}

async function examineHost(): Promise<readonly Finding[]> {
  return (await import('../daemon/main.ts')).examineHost()
}

/** Straight to the descriptor: Node's own streams take 4 ms to load, and are taken only where a write would have to wait. */
function output(fd: 1 | 2): Output {
  let full = false
  return {
    get tty() {
      return isTerminal(fd)
    },
    get columns() {
      return isTerminal(fd) ? standardStream(fd).columns || 80 : 80
    },
    write(text) {
      if (text === '') return
      const rest = full ? Buffer.from(text) : writeNow(fd, Buffer.from(text))
      full = rest.length > 0
      if (full) standardStream(fd).write(rest)
    },
  }
}

/** What the descriptor did not take: it does not block, and is full. A reader that went away, like `head`, is no failure. */
function writeNow(fd: number, bytes: Buffer): Buffer {
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(fd, bytes, at)
    } catch (thrown) {
      const { code } = thrown as NodeJS.ErrnoException
      if (code === 'EAGAIN') return bytes.subarray(at)
      if (code === 'EPIPE') break
      throw thrown
    }
  }
  return bytes.subarray(bytes.length)
}

/** Our own stdout or stderr for what streams into it. */
export function standardStream(fd: 1 | 2): NodeJS.WriteStream {
  const stream = fd === 1 ? process.stdout : process.stderr
  if (!stream.listeners('error').includes(forgiveReader)) stream.on('error', forgiveReader)
  return stream
}

function forgiveReader(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error
}

/** `node:tty` brings `node:net` along: only what may be a terminal, which /dev/null is not, is worth its 3 ms. */
function isTerminal(fd: number): boolean {
  const stats = fstatSync(fd)
  return stats.isCharacterDevice() && stats.rdev !== nullDevice && process.getBuiltinModule('node:tty').isatty(fd)
}

const nullDevice = 0x103

async function readAll(stream: NodeJS.ReadStream): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks).toString('utf8')
}

async function ask(question: string): Promise<string | undefined> {
  const { createInterface } = await import('node:readline')
  const lines = createInterface({ input: process.stdin, output: standardStream(2) })
  return new Promise((resolve) => {
    lines.once('close', () => resolve(undefined))
    lines.question(question, (answer) => {
      resolve(answer)
      lines.close()
    })
  })
}

function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const finish = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', finish)
      resolve()
    }
    const timer = setTimeout(finish, ms)
    signal?.addEventListener('abort', finish, { once: true })
    if (signal?.aborted) finish()
  })
}
