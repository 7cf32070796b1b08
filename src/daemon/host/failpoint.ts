/**
 * Named places where a test ends the daemon as a power cut would. CROFT_FAILPOINT names one (docs/design/host-loop.md has
 * the table) and CROFT_FAILPOINT_AFTER passes it so many times first. `log` writes each name as it is passed. A path is a
 * file that holds one of these, or nothing, and is read each time: so a running daemon can be armed.
 */
import { readFileSync, writeSync } from 'node:fs'

export type Failpoint = (name: string) => void

export function createFailpoint(environment: NodeJS.ProcessEnv): Failpoint {
  const told = environment.CROFT_FAILPOINT
  if (told === undefined || told === '') return () => {}
  const wanted = told.startsWith('/') ? () => readFileSync(told, 'utf8').trim() : () => told
  let left = Number(environment.CROFT_FAILPOINT_AFTER ?? 0)
  return (name) => {
    const armed = wanted()
    if (armed === 'log') writeSync(2, `failpoint ${name}\n`)
    if (armed === name && left-- <= 0) process.kill(process.pid, 'SIGKILL')
  }
}
