/** A program that is spoken with, line by line, while it works. It ends with its stdin, so it never outlives this process. */
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Command, Outcome } from './command.ts'
import { killQuietly } from './kill.ts'
import { baseEnv, ended } from './runner.ts'

export interface Talk {
  say(line: string): void
  /** No more is said to it. */
  end(): void
  /** Rejects with COMMAND_MISSING, or with the signal's reason. */
  readonly ended: Promise<Outcome>
}

export interface TalkOptions {
  readonly signal: AbortSignal
  /** Each line of stdout as it comes. */
  readonly onLine: (line: string) => void
}

const keptBytes = 16 * 1024

export function startTalk(command: Command, { signal, onLine }: TalkOptions): Talk {
  signal.throwIfAborted()
  const child = spawn(command.file, [...command.args], {
    stdio: 'pipe',
    env: { ...baseEnv, ...command.env },
    cwd: command.cwd ?? '/',
    detached: true,
  })
  let timedOut = false
  let stderr = ''
  const kill = () => {
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) killQuietly(-child.pid)
  }
  const timer = setTimeout(() => {
    timedOut = true
    kill()
  }, command.timeoutMs)
  signal.addEventListener('abort', kill, { once: true })
  child.stdin.on('error', () => undefined)
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    stderr = (stderr + chunk).slice(-keptBytes)
  })
  const lines = createInterface({ input: child.stdout }).on('line', onLine)
  const heard = new Promise((resolve) => lines.once('close', resolve))

  async function over(): Promise<Outcome> {
    try {
      const end = await ended(child, command, true)
      await heard
      signal.throwIfAborted()
      return { ...end, stdout: '', stderr, timedOut }
    } finally {
      clearTimeout(timer)
      signal.removeEventListener('abort', kill)
    }
  }

  return {
    say: (line) => void child.stdin.write(`${line}\n`),
    end: () => void child.stdin.end(),
    ended: over(),
  }
}
