/** What grows: records beside those that run, guests made at once, operations in a row. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { TestFarm } from '../test/system/farm.ts'
import type { Lxd } from './lxd.ts'
import { type Figure, measure, type Row } from './measure.ts'

type Croft = (...words: string[]) => Promise<void>
export interface Pace {
  readonly runs: number
  readonly idleMs: number
  say(line: string): void
}

/** Guests that do not run, but have their disk, number and rules like any other. */
export async function withMany(farm: TestFarm, croft: Croft, many: number, pace: Pace): Promise<Figure[]> {
  pace.say(`making ${many} guests more`)
  await inGroups(many, (i) => makeStopped(farm, `many${i}`))
  let count = 0
  const rows: Row[] = [
    { what: `ls, ${many + 5} guests`, budgetMs: 60, contestants: [{ name: 'croft', run: () => croft('ls') }] },
    {
      what: `metrics, ${many + 5} guests`,
      budgetMs: 300,
      contestants: [
        {
          name: 'croft',
          // What was seen a moment ago would be told again.
          before: () => sleep(1000),
          run: async () => void (await farm.api('GET', '/metrics')),
        },
      ],
    },
    {
      what: `create to RUNNING, ${many + 5} guests`,
      budgetMs: 120,
      contestants: [
        {
          name: 'croft',
          before: async () => void count++,
          run: () => croft('create', `y${count}`, 'debian:12'),
          after: () => croft('rm', `y${count}`, '-y'),
        },
      ],
    },
  ]
  const figures: Figure[] = []
  for (const row of rows) {
    pace.say(row.what)
    figures.push(...(await measure(row, pace.runs, pace.idleMs)))
  }
  return figures
}

export type Order = 'at once' | 'in a row'

/** So many commands, from the first one's start to the last one's end; once each, for LXD takes minutes. */
export async function creates(
  order: Order,
  { croft, lxd }: { readonly croft: Croft; readonly lxd: Lxd | undefined },
  count: number,
  pace: Pace,
): Promise<Figure[]> {
  const what = `${count} creates ${order}, all of them`
  pace.say(what)
  const names = Array.from({ length: count }, (_, i) => `p${i}`)
  const took = async (make: (name: string) => Promise<void>) => {
    const begin = performance.now()
    if (order === 'at once') await Promise.all(names.map(make))
    else for (const name of names) await make(name)
    return performance.now() - begin
  }
  const figure = (name: string, ms: number): Figure => ({ what, name, medianMs: ms, p90Ms: ms, runs: 1 })
  const figures = [figure('croft', await took((name) => croft('create', name, 'debian:12')))]
  await croft('rm', 'p*', '-y')
  if (lxd) {
    figures.push(figure('lxc launch (LXD)', await took(lxd.launch)))
    for (const name of names) await lxd.remove(name)
  }
  return figures
}

/** Guests made and removed; what is of interest is the daemon's memory after it. */
export async function operations(farm: TestFarm, count: number, pace: Pace): Promise<void> {
  pace.say(`${count} operations`)
  await inGroups(count / 2, async (i) => {
    await makeStopped(farm, `op${i}`)
    await farm.api('DELETE', `/v1/guests/op${i}?wait=60000`)
  })
}

const makeStopped = (farm: TestFarm, name: string) =>
  farm.api('POST', '/v1/guests?wait=60000', { name, template: 'debian:12', start: false })

async function inGroups(count: number, make: (index: number) => Promise<unknown>): Promise<void> {
  for (let from = 0; from < count; from += 20)
    await Promise.all(Array.from({ length: Math.min(20, count - from) }, (_, i) => make(from + i)))
}
