/** The only file of the CLI that starts processes. Files and words, never a shell. */
import { spawn } from 'node:child_process'
import { closeSync, constants, fchmodSync, openSync } from 'node:fs'
import { CroftError } from '../../api/errors.ts'
import type { Afar } from './afar.ts'
import { childrenOf } from './children.ts'
import { closeInherited } from './inherited.ts'

export interface Program {
  /** Instead of a file: what the daemon runs for us. */
  readonly afar?: Afar
  readonly file: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

export const passedOn = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'] as const

/**
 * Runs lxc-attach on our own stdin, stdout and stderr and returns the exit code of what it runs. A signal to us goes to the
 * command inside: killing lxc-attach itself would leave that command running in the guest.
 */
export async function runAttached(program: Program): Promise<number> {
  if (program.afar) return (await import('./afar.ts')).attachAfar(program.afar)
  closeInherited()
  const child = spawn(program.file, program.args, { stdio: 'inherit', env: program.env, cwd: '/' })
  const pass = (signal: NodeJS.Signals) => void passOn(child.pid, signal)
  for (const signal of passedOn) process.on(signal, pass)
  try {
    return await ended(child, program.file)
  } finally {
    for (const signal of passedOn) process.off(signal, pass)
  }
}

export interface PipedOptions {
  readonly onLine: (line: string, from: 'stdout' | 'stderr') => void
  readonly signal?: AbortSignal
}

/** The same with nothing on stdin, line by line. */
export async function runPiped(program: Program, options: PipedOptions): Promise<number> {
  if (program.afar) return (await import('./afar.ts')).pipeAfar(program.afar, options)
  const { createInterface } = await import('node:readline')
  closeInherited()
  const child = spawn(program.file, program.args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: program.env,
    cwd: '/',
    detached: true,
  })
  const drained = (['stdout', 'stderr'] as const).map((from) => {
    const reader = createInterface({ input: child[from], crlfDelay: Number.POSITIVE_INFINITY })
    reader.on('line', (line) => options.onLine(line, from))
    return new Promise<void>((resolve) => reader.once('close', resolve))
  })
  const pass = (signal: NodeJS.Signals) => void passOn(child.pid, signal)
  const onAbort = () => pass('SIGTERM')
  options.signal?.addEventListener('abort', onAbort, { once: true })
  for (const signal of passedOn) process.on(signal, pass)
  try {
    const code = await ended(child, program.file)
    await Promise.all(drained)
    return code
  } finally {
    options.signal?.removeEventListener('abort', onAbort)
    for (const signal of passedOn) process.off(signal, pass)
  }
}

export interface StreamedOptions {
  /** What goes to its stdin, as fast as it is taken; nothing when absent. */
  readonly input?: AsyncIterable<Buffer>
  /** What comes from its stdout; nothing more comes before this has returned. Throwing ends the command. */
  readonly onOutput?: (bytes: Buffer) => void
  readonly signal?: AbortSignal
  /** How long it may take to end when it is told to, before it is killed. */
  readonly graceMs?: number
}

export interface Streamed {
  readonly exit: number
  /** The last of what it said on stderr. */
  readonly said: string
}

const keptChars = 8192
const usualGraceMs = 2000

/** The same with bytes in and out. A command inside ends by itself when its pipes do. */
export async function runStreamed(program: Program, options: StreamedOptions): Promise<Streamed> {
  if (program.afar) return (await import('./afar.ts')).streamAfar(program.afar, options)
  closeInherited()
  options.signal?.throwIfAborted()
  const child = spawn(program.file, program.args, {
    stdio: [options.input ? 'pipe' : 'ignore', 'pipe', 'pipe'],
    env: program.env,
    cwd: '/',
    detached: true,
  })
  let said = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-keptChars)
  })
  const end = ended(child, program.file)
  const stop = () => endNow(child, end, options.graceMs ?? usualGraceMs)
  const onAbort = () => void stop()
  options.signal?.addEventListener('abort', onAbort, { once: true })
  try {
    const [exit] = await Promise.all([end, feed(child, options.input), drain(child, options.onOutput)])
    options.signal?.throwIfAborted()
    return { exit, said }
  } catch (thrown) {
    await stop()
    options.signal?.throwIfAborted()
    throw thrown
  } finally {
    options.signal?.removeEventListener('abort', onAbort)
  }
}

/** Returns when it has ended: asked first, then killed. Nobody cleans up behind it else. */
async function endNow(child: ReturnType<typeof spawn>, end: Promise<number>, graceMs: number): Promise<void> {
  for (const stream of child.stdio) stream?.destroy()
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    await passOn(child.pid, signal)
    const late = Symbol()
    const first = await Promise.race([end.catch(() => 0), new Promise((resolve) => setTimeout(resolve, graceMs, late))])
    if (first !== late) return
  }
}

async function feed(child: ReturnType<typeof spawn>, input: AsyncIterable<Buffer> | undefined): Promise<void> {
  const { stdin } = child
  if (!input || !stdin) return
  let open = true
  const closed = new Promise<void>((resolve) => {
    // It took no more: why, its exit says.
    for (const event of ['error', 'close']) stdin.once(event, () => resolve())
  }).then(() => {
    open = false
  })
  for await (const bytes of input) {
    if (!open) return
    if (!stdin.write(bytes)) await Promise.race([new Promise((resolve) => stdin.once('drain', resolve)), closed])
  }
  stdin.end()
}

async function drain(child: ReturnType<typeof spawn>, take?: (bytes: Buffer) => void): Promise<void> {
  if (child.stdout) for await (const bytes of child.stdout) take?.(bytes as Buffer)
}

/** To the command inside, a child of lxc-attach; before there is one it is looked for a while, then lxc-attach is meant. */
async function passOn(pid: number | undefined, signal: NodeJS.Signals): Promise<void> {
  if (pid === undefined) return
  for (let attempt = 0; attempt < 40; attempt++) {
    const inside = childrenOf(pid)
    for (const each of inside) killQuietly(each, signal)
    if (inside.length > 0) return
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  killQuietly(pid, signal)
}

function killQuietly(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // it ended by itself meanwhile
  }
}

const signalNumbers: ReadonlyMap<string, number> = new Map([
  ['SIGHUP', 1],
  ['SIGINT', 2],
  ['SIGQUIT', 3],
  ['SIGABRT', 6],
  ['SIGKILL', 9],
  ['SIGSEGV', 11],
  ['SIGPIPE', 13],
  ['SIGTERM', 15],
])

function ended(child: ReturnType<typeof spawn>, file: string): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', (cause: NodeJS.ErrnoException) => {
      const missing = cause.code === 'ENOENT'
      const message = missing ? `${file} is not installed` : `${file}: ${cause.message}`
      reject(new CroftError(missing ? 'COMMAND_MISSING' : 'COMMAND_FAILED', message, { hint: 'croft doctor', cause }))
    })
    child.once('exit', (code, signal) => resolve(code ?? 128 + (signalNumbers.get(signal ?? '') ?? 0)))
  })
}

/** An editor, or a tool of the host, on our terminal. */
export async function runHere(file: string, args: readonly string[]): Promise<number> {
  return await ended(spawn(file, args, { stdio: 'inherit' }), file)
}

/** What lsblk says, in JSON; of a host without it, nothing. */
export function disksOfHost(): Promise<string> {
  const columns = 'NAME,PATH,SIZE,TYPE,RO,FSTYPE,PTTYPE,MOUNTPOINTS'
  const child = spawn('lsblk', ['--json', '--bytes', '--output', columns], { stdio: ['ignore', 'pipe', 'inherit'] })
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
  })
  return new Promise((resolve) => {
    child.once('error', () => resolve('{}'))
    child.once('close', (code) => resolve(code === 0 ? text : '{}'))
  })
}

/** Goes on when we have ended; what it says goes to a log only root reads. */
export function startDetached(program: Program, logPath: string): { hasEnded(): boolean } {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | constants.O_NOFOLLOW
  const log = openSync(logPath, flags, 0o600)
  try {
    fchmodSync(log, 0o600)
    const child = spawn(program.file, program.args, {
      stdio: ['ignore', log, log],
      env: program.env,
      cwd: '/',
      detached: true,
    })
    let failed = false
    child.once('error', () => {
      failed = true
    })
    child.unref()
    return { hasEnded: () => failed || child.exitCode !== null || child.signalCode !== null }
  } finally {
    closeSync(log)
  }
}
