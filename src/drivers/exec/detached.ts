/** A process that outlives who started it. What it says goes to files. */
import { spawn } from 'node:child_process'
import { closeSync, openSync, statSync } from 'node:fs'
import type { Command } from './command.ts'
import { baseEnv } from './runner.ts'

export interface Detached {
  /** Whether it ended already, and how. */
  readonly ended: () => string | undefined
  /** Undefined when it could not be started. */
  readonly pid: number | undefined
}

/** Files are appended to, and are for their owner alone; a pipe that has a name is held open, so that its reader may come and go. */
export function startDetached(
  command: Command,
  output: { readonly stdout: string; readonly stderr: string },
): Detached {
  const [out, err] = [openOutput(output.stdout), openOutput(output.stderr)]
  let end: string | undefined
  let pid: number | undefined
  try {
    const child = spawn(command.file, [...command.args], {
      stdio: ['ignore', out, err],
      env: { ...baseEnv, ...command.env },
      cwd: '/',
      detached: true,
    })
    child.once('error', ({ message }) => {
      end = message
    })
    child.once('exit', (code, signal) => {
      end = signal ? `was killed by ${signal}` : `exit ${code}`
    })
    child.unref()
    pid = child.pid
  } finally {
    closeSync(out)
    closeSync(err)
  }
  return { ended: () => end, pid }
}

const openOutput = (file: string): number =>
  openSync(file, statSync(file, { throwIfNoEntry: false })?.isFIFO() ? 'r+' : 'a', 0o600)
