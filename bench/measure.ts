/** Timing of whole commands, contestants in turn, and the table of it. */
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

export interface Contestant {
  readonly name: string
  /** Once before each counted run; not timed. */
  readonly before?: () => Promise<void>
  /** Timed. */
  readonly run: () => Promise<void>
  /** After it; not timed. */
  readonly after?: () => Promise<void>
}

export interface Row {
  readonly what: string
  readonly budgetMs?: number
  readonly contestants: readonly Contestant[]
}

export interface Figure {
  readonly what: string
  readonly name: string
  readonly medianMs: number
  readonly p90Ms: number
  readonly runs: number
  readonly budgetMs?: number
}

/** A, B, A, B …: whatever the machine does meanwhile, it does to all. One run of each is not counted. */
export async function measure(row: Row, runs: number, idleMs: number): Promise<Figure[]> {
  const times = row.contestants.map((): number[] => [])
  for (let run = 0; run <= runs; run++) {
    for (const [index, { before, run: timed, after }] of row.contestants.entries()) {
      await before?.()
      await sleep(idleMs)
      const begin = performance.now()
      await timed()
      const took = performance.now() - begin
      await after?.()
      if (run > 0) times[index]?.push(took)
    }
  }
  return row.contestants.map(({ name }, index) => figure(row, name, times[index] ?? []))
}

export function figure(row: Row, name: string, times: readonly number[]): Figure {
  const sorted = [...times].sort((a, b) => a - b)
  const at = (part: number) => sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? Number.NaN
  return {
    ...{ what: row.what, name, medianMs: at(0.5), p90Ms: at(0.9), runs: times.length },
    ...(name === 'croft' && row.budgetMs !== undefined ? { budgetMs: row.budgetMs } : {}),
  }
}

/** Median, p90, and how croft's median stands to the other's. */
export function table(figures: readonly Figure[]): string {
  const lines = [
    '| what | who | median ms | p90 ms | runs | croft ÷ it | budget ms |',
    '|---|---|---:|---:|---:|---:|---:|',
  ]
  for (const { what, name, medianMs, p90Ms, runs, budgetMs } of figures) {
    const own = figures.find((other) => other.what === what && other.name === 'croft')
    const ratio = name === 'croft' || !own ? '' : (own.medianMs / medianMs).toFixed(2)
    const budget = budgetMs === undefined ? '' : `${budgetMs}${medianMs <= budgetMs ? ' ✓' : ' ✗'}`
    lines.push(`| ${what} | ${name} | ${medianMs.toFixed(1)} | ${p90Ms.toFixed(1)} | ${runs} | ${ratio} | ${budget} |`)
  }
  return lines.join('\n')
}

/** A whole process, from its start to its end; what it says is thrown away. Throws when it fails. */
export function command(file: string, args: readonly string[], env: Readonly<Record<string, string>>): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, [...args], { env, stdio: ['ignore', 'ignore', 'pipe'], cwd: '/' })
    let said = ''
    child.stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString()
    })
    child.once('error', reject)
    child.once('exit', (code) =>
      code === 0 ? resolve() : reject(new Error(`${file} ${args.join(' ')}: exit ${code}\n${said}`)),
    )
  })
}

export function residentMb({ daemonPid }: { readonly daemonPid: number }): number {
  const kb = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${daemonPid}/status`, 'utf8'))?.[1]
  return Number(kb) / 1024
}
