/** Commands joined by pipes: what one writes the next one reads, without passing through this process. */
import { type ChildProcess, spawn } from 'node:child_process'
import { pipeline, type Readable } from 'node:stream'
import { CroftError } from '../../api/errors.ts'
import type { Command } from './command.ts'
import { killQuietly } from './kill.ts'
import { baseEnv, ended } from './runner.ts'

export interface PipelineOptions {
  readonly signal: AbortSignal
  /** Open file that the first one reads; nothing when absent. */
  readonly stdin?: number
  /** Or what it is given as it comes. When that breaks, all ends with its error. */
  readonly input?: Readable
  /** Open files that the first one gets as 3, 4 and so on. */
  readonly extra?: readonly number[]
  /** A timeout counts from the last byte that one took or that was taken off it, not from the start. */
  readonly timeoutOf?: 'silence'
}

export interface StageEnd {
  readonly code: number | null
  readonly signal: string | null
  /** The last 64 KiB of what it said. */
  readonly stderr: string
  readonly timedOut: boolean
}

export interface Pipeline {
  /** What the last one writes; it must be read, or it stands still. */
  readonly output: Readable
  /** In the order of the commands. Rejects with COMMAND_MISSING, or with the signal's reason. */
  readonly ended: Promise<readonly StageEnd[]>
}

const keptBytes = 64 * 1024

export function startPipeline(commands: readonly Command[], options: PipelineOptions): Pipeline {
  options.signal.throwIfAborted()
  const stages: { readonly child: ChildProcess; readonly end: Promise<StageEnd> }[] = []
  // The reader first: a pipe whose other end this process has opened for reading would lose bytes to it.
  for (const [index, command] of [...commands.entries()].reverse()) {
    const next = stages[0]?.child
    const child = spawn(command.file, [...command.args], {
      stdio: [
        index > 0 || options.input ? 'pipe' : (options.stdin ?? 'ignore'),
        next?.stdin ?? 'pipe',
        'pipe',
        ...(index === 0 ? (options.extra ?? []) : []),
      ],
      env: { ...baseEnv, ...command.env },
      cwd: command.cwd ?? '/',
      detached: true,
    })
    next?.stdin?.on('error', () => {}).destroy()
    stages.unshift({ child, end: watch(child, command, options) })
  }
  const last = stages.at(-1)?.child.stdout
  if (!last) throw new Error('a pipeline has at least one command')
  return { output: last, ended: allEnded(stages, options.signal, feed(stages[0]?.child, options.input)) }
}

/** Rejects when what comes in breaks. That the first one takes no more, its end tells. */
function feed(first: ChildProcess | undefined, input: Readable | undefined): Promise<void> {
  const stdin = first?.stdin
  if (!input || !stdin) return Promise.resolve()
  return new Promise((resolve, reject) => {
    // Each is destroyed with the error of the other: who was first tells whose it is. A command that ends closes without one.
    let taker = false
    let giver = false
    const byGiver = () => {
      giver = !taker
    }
    const byTaker = () => {
      taker = !giver
    }
    input.once('error', byGiver).once('close', () => {
      if (!input.readableEnded) byGiver()
    })
    stdin.once('error', byTaker).once('close', byTaker)
    pipeline(input, stdin, (thrown) => {
      if (!thrown || taker) return resolve()
      kill(first)
      reject(thrown.code === 'ERR_STREAM_PREMATURE_CLOSE' ? brokenOff(thrown) : thrown)
    })
  })
}

const brokenOff = (cause: Error): CroftError =>
  new CroftError('FAILED', 'what came in broke off', { hint: 'send it again', cause })

async function allEnded(
  stages: readonly { readonly child: ChildProcess; readonly end: Promise<StageEnd> }[],
  signal: AbortSignal,
  fed: Promise<void>,
): Promise<readonly StageEnd[]> {
  const killAll = () => {
    for (const { child } of stages) kill(child)
  }
  signal.addEventListener('abort', killAll, { once: true })
  try {
    const [ends] = await Promise.all([Promise.allSettled(stages.map(({ end }) => end)), fed])
    signal.throwIfAborted()
    return ends.map((end) => {
      if (end.status === 'rejected') throw end.reason
      return end.value
    })
  } finally {
    signal.removeEventListener('abort', killAll)
  }
}

async function watch(child: ChildProcess, command: Command, { timeoutOf }: PipelineOptions): Promise<StageEnd> {
  let stderr = ''
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    stderr = (stderr + chunk).slice(-keptBytes)
  })
  let timedOut = false
  let heard = 0
  const timer = setInterval(() => {
    const { bytesRead = 0 } = (child.stdout ?? {}) as { bytesRead?: number }
    const { bytesWritten = 0 } = (child.stdin ?? {}) as { bytesWritten?: number }
    timedOut = timeoutOf !== 'silence' || bytesRead + bytesWritten === heard
    heard = bytesRead + bytesWritten
    if (timedOut) kill(child)
  }, command.timeoutMs)
  const quiet = new Promise<void>((resolve) => child.stderr?.once('close', resolve))
  try {
    const end = await ended(child, command, true)
    await quiet
    return { ...end, stderr, timedOut }
  } finally {
    clearInterval(timer)
  }
}

function kill(child: ChildProcess): void {
  if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) killQuietly(-child.pid)
}
