/**
 * Runs lxc-attach with somebody at the other end: bytes in and out as fast as both sides take them, with pipes or a
 * terminal. Killing lxc-attach would leave the command running inside, so it is the command that signals go to.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync } from 'node:fs'
import { constants } from 'node:os'
import type { Readable, Writable } from 'node:stream'
import { CroftError } from '../../api/errors.ts'
import type { TerminalSize } from '../../api/frames.ts'
import type { Command } from './command.ts'
import { childrenOf } from './descendants.ts'
import type { Terminal } from './terminal.ts'

export interface Attached {
  /** Of the command's stdin; `onTaken` says when it was taken, or will not be any more. */
  write(bytes: Uint8Array): void
  end(): void
  /** Of its terminal, when it has one. */
  resize(size: TerminalSize): void
  signal(name: NodeJS.Signals): void
  /** After `onOutput` said false. */
  resume(): void
  /** Nobody is there any more: all that still runs is hung up, and killed after a while. */
  hangUp(): void
}

export interface AttachedListener {
  /** False: no more, until `resume`. */
  onOutput(from: 'stdout' | 'stderr', bytes: Buffer): boolean
  onTaken(count: number): void
  /** Once, after the last output. */
  onEnd(end: { readonly code: number } | { readonly error: CroftError }): void
}

const baseEnv = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C.UTF-8', HOME: '/root' }
const graceMs = 3000
/** What the command left running may hold its pipes for ever; after so long without a word it counts as done. */
const lullMs = 200

/** With a size on a terminal: what is printed there is all its `stdout`. */
export async function startAttached(
  command: Command,
  listener: AttachedListener,
  size?: TerminalSize,
): Promise<Attached> {
  const terminal = size && (await (await import('./terminal.ts')).openTerminal(size))
  const child = start(command, terminal)
  const outputs: readonly ['stdout' | 'stderr', Readable | null][] = [
    ['stdout', terminal?.output ?? child.stdout ?? null],
    ['stderr', child.stderr ?? null],
  ]
  // Where descriptors ran out the child has no pipes at all, whatever its type says.
  const input: Writable | null = terminal?.input ?? child.stdin ?? null
  const streams = outputs.map(([, stream]) => stream).filter((stream) => stream !== null)
  let paused = false
  let heard = 0

  for (const [from, stream] of outputs)
    stream?.on('data', (bytes: Buffer) => {
      heard += 1
      if (listener.onOutput(from, bytes) || paused) return
      paused = true
      for (const each of streams) each.pause()
    })
  // A pipe that is closed answers EPIPE, a terminal EIO: why, the exit says.
  for (const stream of new Set([...streams, input])) stream?.on('error', () => undefined)

  const drained = Promise.all(streams.map((stream) => new Promise((resolve) => stream.once('close', resolve))))
  void ended(child, command.file).then(async (end) => {
    await Promise.race([drained, quiet(() => (paused ? -1 : heard))])
    for (const stream of new Set([...streams, input])) stream?.destroy()
    listener.onEnd(end)
  })

  const isOver = () => child.pid === undefined || child.exitCode !== null || child.signalCode !== null
  const resume = () => {
    paused = false
    for (const stream of streams) stream.resume()
  }
  return {
    write(bytes) {
      if (!input || input.destroyed || input.writableEnded) return listener.onTaken(bytes.length)
      input.write(bytes, () => listener.onTaken(bytes.length))
    },
    // The end of what is typed.
    end: () => void (terminal ? input?.write('\x04') : input?.end()),
    // In vain when it ends meanwhile.
    resize: (to) => void terminal?.resize(to).catch(ignored),
    signal: (name) => void passOn(child, isOver, name),
    resume,
    hangUp() {
      // Of a terminal later: lxc-attach would end without it, and leave what it has started.
      if (!terminal) for (const stream of [...streams, input]) stream?.destroy()
      resume()
      void hangUp(child, isOver)
    },
  }
}

function start({ file, args, env: more }: Command, terminal: Terminal | undefined): ChildProcess {
  const env = { ...baseEnv, ...more }
  if (!terminal) return spawn(file, [...args], { stdio: 'pipe', env, cwd: '/', detached: true })
  const { fd } = terminal
  try {
    // lxc-attach speaks with the terminal that its session has, whatever its stdin is. Not detached: setsid would fork.
    return spawn('setsid', ['--ctty', file, ...args], { stdio: [fd, fd, fd], env, cwd: '/' })
  } finally {
    closeSync(fd)
  }
}

const ignored = (): void => undefined

function ended(child: ChildProcess, file: string): Promise<{ code: number } | { error: CroftError }> {
  return new Promise((resolve) => {
    child.once('error', (cause: NodeJS.ErrnoException) => {
      const missing = cause.code === 'ENOENT'
      const message = missing ? `${file} is not installed` : `${file}: ${cause.message}`
      resolve({
        error: new CroftError(missing ? 'COMMAND_MISSING' : 'COMMAND_FAILED', message, { hint: 'croft doctor', cause }),
      })
    })
    child.once('exit', (code, signal) => resolve({ code: code ?? 128 + (signal ? constants.signals[signal] : 0) }))
  })
}

/** Returns when the count did not change for a while; a negative one is no rest. */
async function quiet(count: () => number): Promise<void> {
  for (let before = Number.NaN; before !== count() || before < 0; ) {
    before = count()
    await new Promise((resolve) => setTimeout(resolve, lullMs))
  }
}

/** To the command inside, a child of lxc-attach; before there is one it is looked for a while, then lxc-attach is meant. */
async function passOn(child: ChildProcess, isOver: () => boolean, signal: NodeJS.Signals, all = false): Promise<void> {
  for (let attempt = 0; attempt < 40 && !isOver(); attempt++) {
    const inside = childrenOf(child.pid ?? 0, all)
    for (const each of inside) killQuietly(each, signal)
    if (inside.length > 0) return
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  if (!isOver()) killQuietly(child.pid, signal)
}

async function hangUp(child: ChildProcess, isOver: () => boolean): Promise<void> {
  const all = (signal: NodeJS.Signals) => {
    if (!isOver()) for (const each of childrenOf(child.pid ?? 0, true)) killQuietly(each, signal)
  }
  // All at once: what outlives its parent is found no more.
  await passOn(child, isOver, 'SIGHUP', true)
  all('SIGCONT')
  for (let waitedMs = 0; waitedMs < graceMs && !isOver(); waitedMs += 50)
    await new Promise((resolve) => setTimeout(resolve, 50))
  all('SIGKILL')
  await new Promise((resolve) => setTimeout(resolve, 100))
  if (!isOver()) killQuietly(child.pid, 'SIGKILL')
}

function killQuietly(pid: number | undefined, signal: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(pid, signal)
  } catch {
    // It ended by itself meanwhile.
  }
}
