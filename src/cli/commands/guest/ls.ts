import type { Guest, Usage } from '../../../api/guest.ts'
import { type Answer, rows } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { items } from '../../wire/request.ts'
import { selectGuests, withStdin } from '../../work/targets.ts'
import { columnsFor, type UsedGuest, usedColumns } from './columns.ts'

export async function run(context: Context): Promise<Answer> {
  const words = await withStdin(context, context.args.many('GUEST'))
  const [guests, usage] = await Promise.all([
    context.client.request('listGuests').then(items),
    wantsUsage(context) ? context.client.request('getUsage').then(items) : undefined,
  ])
  const shown = selectGuests(context, guests, words).filter((guest) => isShown(context, guest, words))
  const columns = columnsFor(guests)
  return rows(usage ? withUsage(shown, usage) : shown, usage ? [...columns, ...usedColumns] : columns, {
    name: (guest) => guest.name,
    empty: guests.length === 0 ? 'no guests yet: croft create web debian:12' : 'no guest is meant by that',
  })
}

/** A build is over soon, and is told by its own commands. */
const isShown = ({ flags }: Context, { spec }: Guest, words: readonly string[]): boolean =>
  spec.part?.kind !== 'build' || flags.has('all') || words.some((word) => word.includes('/'))

/** Looking at all guests costs more than reading a list: only when a column of it is shown, or sorted by. */
function wantsUsage({ flags, forMachines }: Context): boolean {
  if (forMachines) return false
  const named = [...flags.list('columns'), flags.text('sort')?.replace(/^-/, '') ?? ''].map((each) =>
    each.toUpperCase(),
  )
  return flags.text('output') === 'wide' || usedColumns.some(({ title }) => named.includes(title))
}

function withUsage(guests: readonly Guest[], usage: readonly Usage[]): UsedGuest[] {
  const byName = new Map(usage.map((each) => [each.name, each]))
  return guests.map((guest) => ({ ...guest, usage: byName.get(guest.name) }))
}
