import type { ConfigDifference } from '../../../api/site.ts'
import { type Answer, type Column, rows } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { items } from '../../wire/request.ts'
import { inParallel } from '../../work/bulk.ts'
import { differenceColumns } from './columns.ts'

type OfSite = ConfigDifference & { readonly site: string }

const columns: readonly Column<OfSite>[] = [{ title: 'SITE', get: (each) => each.site }, ...differenceColumns]
const atOnce = 4

/** Of all sites what was set and not deployed yet. */
export async function run(context: Context): Promise<Answer> {
  const { client, flags } = context
  const sites = items(await client.request('listSites')).filter(({ release }) => release !== null)
  const found = await inParallel(sites, atOnce, async ({ name: site }) => {
    try {
      const differences = items(await client.request('diffConfig', { params: { site } }))
      return differences.map((each): OfSite => ({ ...each, site }))
    } catch (thrown) {
      context.say(`▲ ${site}: ${thrown instanceof Error ? thrown.message : thrown}`)
      return []
    }
  })
  const all = found.flat()
  return rows(all, columns, {
    name: (each) => each.site,
    empty: 'all sites run with what is set',
    exit: all.length > 0 && flags.has('exit-code') ? 10 : 0,
  })
}
