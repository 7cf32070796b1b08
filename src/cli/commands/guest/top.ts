import type { Usage } from '../../../api/guest.ts'
import { type Answer, type Column, rows } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { items } from '../../request.ts'
import { selectGuests, withStdin } from '../../targets.ts'

const columns: readonly Column<Usage>[] = [
  { title: 'NAME', get: (usage) => usage.name },
  { title: 'STATE', as: 'state', get: (usage) => usage.state },
  { title: 'CPU', as: 'percent', get: (usage) => usage.cpuPercent },
  { title: 'CPUTIME', as: 'seconds', get: (usage) => usage.cpuSeconds },
  { title: 'MEMORY', as: 'bytes', get: (usage) => usage.memoryBytes },
  { title: 'OF', as: 'bytes', get: (usage) => usage.memoryLimit },
  { title: 'DISK', as: 'bytes', get: (usage) => usage.diskBytes },
  { title: 'OFDISK', as: 'bytes', wide: true, get: (usage) => usage.diskLimit },
  { title: 'PROCESSES', as: 'number', get: (usage) => usage.processes },
  { title: 'OFPROCESSES', as: 'number', wide: true, get: (usage) => usage.processLimit },
  { title: 'IN', as: 'bytes', get: (usage) => usage.netInBytes },
  { title: 'OUT', as: 'bytes', get: (usage) => usage.netOutBytes },
]

/** Processor time is known as a sum: what is used now is what was added between two looks. */
const betweenLooksMs = 250

export async function run(context: Context): Promise<Answer> {
  const words = await withStdin(context, context.args.many('GUEST'))
  const picks = words.length > 0 || context.flags.has('label')
  const guests = picks ? items(await context.client.request('listGuests')) : undefined
  const usage = await usageNow(context)
  const meant = guests && new Set(selectGuests(context, guests, words).map((guest) => guest.name))
  const shown = meant ? usage.filter((each) => meant.has(each.name)) : usage
  return rows(shown, columns, { name: (each) => each.name, empty: 'no guest to show' })
}

async function usageNow(context: Context): Promise<readonly Usage[]> {
  const before = context.memory.get('look') as Look | undefined
  const first = before ?? (await look(context))
  if (!before) {
    if (first.usage.every((each) => each.cpuPercent !== null || each.cpuSeconds === null)) return first.usage
    await context.io.sleep(betweenLooksMs)
  }
  const second = await look(context)
  context.memory.set('look', second)
  return second.usage.map((each) => ({ ...each, cpuPercent: each.cpuPercent ?? percentBetween(first, second, each) }))
}

interface Look {
  readonly atMs: number
  readonly usage: readonly Usage[]
}

async function look(context: Context): Promise<Look> {
  return { usage: items(await context.client.request('getUsage')), atMs: context.io.elapsedMs() }
}

/** 100 is one processor. Undefined ground, such as a restart in between, is null. */
export function percentBetween(before: Look, after: Look, { name, cpuSeconds }: Usage): number | null {
  const old = before.usage.find((each) => each.name === name)?.cpuSeconds ?? null
  const ms = after.atMs - before.atMs
  if (cpuSeconds === null || old === null || ms <= 0 || cpuSeconds < old) return null
  return ((cpuSeconds - old) * 100_000) / ms
}
