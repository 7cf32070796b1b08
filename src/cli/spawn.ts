/** The only file of the CLI that starts processes. Files and words, never a shell. */
import { spawn } from 'node:child_process'
import { closeSync, constants, fchmodSync, openSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { CroftError } from '../api/errors.ts'
import { childrenOf } from './children.ts'
import { closeInherited } from './inherited.ts'

export interface Program {
  readonly file: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

const passedOn = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'] as const

/**
 * Runs lxc-attach on our own stdin, stdout and stderr and returns the exit code of what it runs. A signal to us goes to the
 * command inside: killing lxc-attach itself would leave that command running in the guest.
 */
export async function runAttached(program: Program): Promise<number> {
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
