/** A program that what it is given passes through. Its environment is ours, and so is its confinement. */
import { spawn } from 'node:child_process'
import type { Readable } from 'node:stream'
import type { Command } from './command.ts'
import { baseEnv } from './runner.ts'

export interface Filter {
  readonly output: Readable
  /** The exit code; null when it could not be started or was killed. */
  readonly ended: Promise<number | null>
}

/** The input is a stream, or a file that is open. */
export function filter(command: Command, input: Readable | number): Filter {
  const isFile = typeof input === 'number'
  const child = spawn(command.file, [...command.args], {
    stdio: [isFile ? input : 'pipe', 'pipe', 'ignore'],
    env: { ...baseEnv, ...command.env },
    timeout: command.timeoutMs,
    killSignal: 'SIGKILL',
  })
  const ended = new Promise<number | null>((resolve) => {
    child.once('error', () => resolve(null)).once('exit', resolve)
  })
  const { stdin, stdout } = child
  if (!stdout) throw new Error('a filter has an output')
  if (!isFile && stdin) {
    stdin.on('error', () => input.destroy())
    input.on('error', () => child.kill('SIGKILL')).pipe(stdin)
    stdout.once('close', () => input.destroy())
  }
  return { output: stdout, ended }
}
