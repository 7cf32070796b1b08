/** The daemon's log: one JSON object a line, on stdout. */
import { writeSync } from 'node:fs'
import { pino } from 'pino'
import type { Log } from './host/parts.ts'

export interface DaemonLog extends Log {
  fatal(fields: object, message: string): void
}

export function createLog(level: string, write: (line: string) => void = (line) => writeSync(1, line)): DaemonLog {
  const options = { level, base: null, timestamp: pino.stdTimeFunctions.isoTime }
  return pino(options, { write: (line) => orLose(() => write(line)) })
}

/** A line that cannot be written is lost. pino's own way is to try until the disk has room, and nothing else meanwhile. */
function orLose(write: () => void): void {
  try {
    write()
  } catch {}
}
