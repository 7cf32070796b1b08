/** How long this host's processes waited for processor, memory and disk: the kernel's own count, /proc/pressure. */
import { readFileSync } from 'node:fs'
import type { HostPressure, Pressure } from '../../api/resources.ts'

/** Null on a kernel that does not count it. */
export function readPressure(): HostPressure | null {
  const [cpu, memory, io] = ['cpu', 'memory', 'io'].map((name) => parsePressure(textOf(`/proc/pressure/${name}`)))
  return cpu && memory && io ? { cpu, memory, io } : null
}

/** `some avg10=6.49 avg60=9.56 avg300=8.61 total=188468816`, and a line `full` where all waited at once. */
export function parsePressure(text: string): Pressure | undefined {
  const some = lineOf(text, 'some')
  if (!some) return undefined
  const full = lineOf(text, 'full')
  return {
    ...{ some10: some.avg10, some60: some.avg60, someSeconds: some.seconds },
    ...{ full10: full?.avg10 ?? 0, full60: full?.avg60 ?? 0, fullSeconds: full?.seconds ?? 0 },
  }
}

function lineOf(text: string, kind: string): { avg10: number; avg60: number; seconds: number } | undefined {
  const match = new RegExp(`^${kind} avg10=([\\d.]+) avg60=([\\d.]+) avg300=[\\d.]+ total=(\\d+)`, 'm').exec(text)
  return match ? { avg10: Number(match[1]), avg60: Number(match[2]), seconds: Number(match[3]) / 1e6 } : undefined
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
