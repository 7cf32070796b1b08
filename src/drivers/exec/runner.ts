/** Runs command values. The only place, with pipeline.ts, that starts processes. */
import { spawn } from 'node:child_process'
import type { Socket } from 'node:net'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { CroftError } from '../../api/errors.ts'
import type { Command, Outcome, Runner, RunOptions } from './command.ts'
import { killQuietly } from './kill.ts'

const keptBytes = 1024 * 1024
export const baseEnv = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C', HOME: '/root' }

export function createRunner(): Runner {
  return {
    outcome,
    async run(command, options) {
      const result = await outcome(command, options)
      if (result.code === 0) return result.stdout
      throw commandFailed(command, result)
    },
  }
}

/** The failure of a command, with the last lines it said. */
export function commandFailed(command: Command, result: Outcome): CroftError {
  const why = result.timedOut
    ? `took longer than ${command.timeoutMs} ms`
    : result.signal
      ? `was killed by ${result.signal}`
      : `exit ${result.code}`
  const said = lastLines(result.stderr.trim() === '' ? result.stdout : result.stderr, 5)
  return new CroftError('COMMAND_FAILED', `${command.file} ${command.args[0] ?? ''}: ${why}${said && `\n${said}`}`)
}

export function lastLines(text: string, count: number): string {
  return text.trim().split('\n').slice(-count).join('\n')
}

async function outcome(command: Command, options: RunOptions = {}): Promise<Outcome> {
  options.signal?.throwIfAborted()
  const child = spawn(command.file, [...command.args], {
    stdio: [command.stdin === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    env: { ...baseEnv, ...command.env },
    cwd: command.cwd ?? '/',
    detached: true,
  })
  let timedOut = false
  const killGroup = () => {
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) killQuietly(-child.pid)
  }
  const timer = setTimeout(() => {
    timedOut = true
    killGroup()
  }, command.timeoutMs)
  options.signal?.addEventListener('abort', killGroup, { once: true })
  try {
    child.stdin?.on('error', () => {}).end(command.stdin)
    const [stdout, stderr, end] = await Promise.all([
      collect(child.stdout, options.onLine),
      collect(child.stderr, options.onLine),
      ended(child, command),
    ])
    options.signal?.throwIfAborted()
    return { ...end, stdout, stderr, timedOut }
  } finally {
    clearTimeout(timer)
    options.signal?.removeEventListener('abort', killGroup)
  }
}

export function ended(
  child: ReturnType<typeof spawn>,
  command: Command,
  keepOutput = false,
): Promise<{ code: number | null; signal: string | null }> {
  return new Promise((resolve, reject) => {
    child.once('error', (cause: NodeJS.ErrnoException) => {
      const missing = cause.code === 'ENOENT'
      reject(
        new CroftError(
          missing ? 'COMMAND_MISSING' : 'COMMAND_FAILED',
          missing ? `${command.file} is not installed` : `${command.file}: ${cause.message}`,
          {
            hint: 'croft doctor',
            cause,
          },
        ),
      )
    })
    // `exit`, not `close`: a process that the command left behind may hold the pipes for ever.
    child.once('exit', (code, signal) => {
      resolve({ code, signal })
      if (!keepOutput) closeOnceQuiet(child.stdout)
      closeOnceQuiet(child.stderr)
    })
  })
}

const quietMs = 200
const mostLooks = 5

/** Its end may be known before its last words were read, and a timer may be due before anything is: reading has its turn first. */
function closeOnceQuiet(stream: Readable | null, looks = mostLooks): void {
  const before = (stream as Socket | null)?.bytesRead
  const look = () => {
    const isQuiet = looks === 0 || (stream as Socket | null)?.bytesRead === before
    if (isQuiet) stream?.destroy()
    else closeOnceQuiet(stream, looks - 1)
  }
  setTimeout(() => setImmediate(() => setImmediate(look)), quietMs).unref()
}

function collect(stream: Readable | null, onLine?: (line: string) => void): Promise<string> {
  if (!stream) return Promise.resolve('')
  let text = ''
  stream.setEncoding('utf8')
  stream.on('data', (chunk: string) => {
    text += chunk
    if (text.length > keptBytes) text = text.slice(-keptBytes)
  })
  if (onLine) createInterface({ input: stream }).on('line', onLine)
  return new Promise((resolve) => {
    stream.once('close', () => resolve(text))
  })
}
