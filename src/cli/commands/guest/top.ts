import type { Usage } from '../../../api/guest.ts'
import { type Answer, type Column, rows } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { items } from '../../wire/request.ts'
import { selectGuests, withStdin } from '../../work/targets.ts'

const columns: readonly Column<Usage>[] = [
  { title: 'NAME', get: (usage) => usage.name },
  { title: 'STATE', as: 'state', get: (usage) => usage.state },
  { title: 'CPU', as: 'percent', get: (usage) => usage.cpuPercent },
  { title: 'CPUTIME', as: 'seconds', get: (usage) => usage.cpuSeconds },
  { title: 'MEMORY', as: 'bytes', get: (usage) => usage.memoryBytes },
  { title: 'OF', as: 'bytes', get: (usage) => usage.memoryLimit },
  { title: 'DISK', as: 'bytes', get: (usage) => usage.diskBytes },
  { title: 'OFDISK', as: 'bytes', get: (usage) => usage.diskLimit },
  { title: 'PROCESSES', as: 'number', get: (usage) => usage.processes },
  { title: 'OFPROCESSES', as: 'number', wide: true, get: (usage) => usage.processLimit },
  { title: 'READ', as: 'bytes', get: (usage) => usage.diskReadBytes },
  { title: 'WRITTEN', as: 'bytes', get: (usage) => usage.diskWriteBytes },
  { title: 'IN', as: 'bytes', get: (usage) => usage.netInBytes },
  { title: 'OUT', as: 'bytes', get: (usage) => usage.netOutBytes },
  { title: 'OOM', as: 'number', sparse: true, get: (usage) => usage.oomKills || null },
  { title: 'SEEN', as: 'age', wide: true, get: (usage) => usage.at },
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
  const before = context.memory.get('look') as readonly Usage[] | undefined
  const first = before ?? (await look(context))
  if (!before) {
    if (first.every((each) => each.cpuPercent !== null || each.cpuSeconds === null)) return first
    await context.io.sleep(betweenLooksMs)
  }
  const second = await look(context)
  context.memory.set('look', second)
  return second.map((each) => ({ ...each, cpuPercent: each.cpuPercent ?? percentBetween(first, each) }))
}

const look = async (context: Context): Promise<readonly Usage[]> => items(await context.client.request('getUsage'))

type Timed = Pick<Usage, 'name' | 'at' | 'cpuSeconds'>

/** 100 is one processor. Undefined ground, such as a restart in between, is null. */
export function percentBetween(before: readonly Timed[], { name, at, cpuSeconds }: Timed): number | null {
  const old = before.find((each) => each.name === name)
  const ms = Date.parse(at) - Date.parse(old?.at ?? at)
  if (old === undefined || cpuSeconds === null || old.cpuSeconds === null || cpuSeconds < old.cpuSeconds) return null
  return ms > 0 ? ((cpuSeconds - old.cpuSeconds) * 100_000) / ms : null
}
