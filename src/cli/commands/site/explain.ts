import { isCode } from '../../../api/errors.ts'
import type { Explanation } from '../../../api/placement.ts'
import { type Answer, type Column, rows } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { inParallel } from '../../work/bulk.ts'

const columns: readonly Column<Explanation>[] = [
  { title: 'INSTANCE', get: ({ guest }) => guest },
  { title: 'HOST', get: ({ host }) => host },
  { title: 'SINCE', as: 'age', get: ({ placed }) => placed?.at ?? null },
  { title: 'BECAUSE', elastic: true, get: because },
  { title: 'BEST NOW', get: ({ now }) => now.candidates[0]?.host ?? 'none' },
]
const atOnce = 4

/** Of each instance of a site why it is where it is; one of them with all that counted: `croft explain shop/prod/1`. */
export async function run(context: Context): Promise<Answer> {
  const { client, args } = context
  const site = args.one('SITE')
  const { instances, release } = await client.request('getSite', { params: { site } })
  const found = await inParallel(instances, atOnce, async ({ name }) => {
    try {
      return await client.request('explainGuest', { params: { guest: name } })
    } catch (thrown) {
      // A deploy takes it away meanwhile.
      if (isCode(thrown, 'GUEST_NOT_FOUND')) return undefined
      throw thrown
    }
  })
  const told = found.filter((each) => each !== undefined)
  const [first] = told
  if (first && !context.forMachines)
    context.say(`  croft explain ${first.guest} · croft site show ${site} · croft farm balance`)
  const next = release === null ? `croft deploy ${site}` : `croft site show ${site}`
  return rows(told, columns, { name: ({ guest }) => guest, empty: `${site} has no instances: ${next}` })
}

/** What gave most points, and its lasting data before all. */
function because({ placed, data = [] }: Explanation): string {
  const reasons = (placed?.reasons ?? []).filter(({ points }) => points !== 0)
  const most = reasons.toSorted((a, b) => Math.abs(b.points) - Math.abs(a.points)).slice(0, 2)
  const whys = [...(data.length > 0 ? [`its data is there: ${data.join(', ')}`] : []), ...most.map(({ why }) => why)]
  return whys.length === 0 ? 'there was no choice, or it came by another way' : whys.join('; ')
}
