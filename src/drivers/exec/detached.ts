/** A process that outlives who started it. What it says goes to files. */
import { spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import type { Command } from './command.ts'
import { baseEnv } from './runner.ts'

export interface Detached {
  /** Whether it ended already, and how. */
  readonly ended: () => string | undefined
}

/** Both files are appended to, and are for their owner alone. */
export function startDetached(
  command: Command,
  output: { readonly stdout: string; readonly stderr: string },
): Detached {
  const out = openSync(output.stdout, 'a', 0o600)
  const err = openSync(output.stderr, 'a', 0o600)
  let end: string | undefined
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
  } finally {
    closeSync(out)
    closeSync(err)
  }
  return { ended: () => end }
}
