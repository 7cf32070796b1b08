/** What the machine itself says of its processors and memory. */
import { readFileSync } from 'node:fs'
import os from 'node:os'

export interface Machine {
  readonly cpus: number
  /** Of the last minute. */
  readonly load: number
  readonly memory: { readonly totalBytes: number; readonly freeBytes: number }
}

export function readMachine(): Machine {
  return {
    cpus: os.availableParallelism(),
    load: os.loadavg()[0] ?? 0,
    memory: { totalBytes: os.totalmem(), freeBytes: availableBytes() },
  }
}

/** What could be had without swapping: more than what nobody uses. */
function availableBytes(): number {
  const [, kib] = /^MemAvailable:\s+(\d+) kB$/m.exec(readFileSync('/proc/meminfo', 'latin1')) ?? []
  return kib === undefined ? os.freemem() : Number(kib) * 1024
}
