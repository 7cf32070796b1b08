import type { Attention, SiteNow, Status } from '../../../api/resources.ts'
import type { Answer } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { none, stateCell } from '../../screen/cells.ts'
import { oneLine } from '../../screen/escape.ts'
import { pressureText } from '../../screen/pressure.ts'

export async function run(context: Context): Promise<Answer> {
  const status = await context.client.request('getStatus')
  return { kind: 'text', text: statusText(status), record: status }
}

export function statusText({ farm, host, version, store, guests, pressure, attention, sites = [] }: Status): string {
  const counted = Object.entries(guests)
    .filter(([, count]) => count > 0)
    .map(([state, count]) => `${count} ${stateCell(oneLine(state)).text}`)
  const lines = [
    `farm ${farm ? oneLine(farm.name) : '– (croft init)'}   host ${oneLine(host)}   croft ${oneLine(version)}`,
    `store ${oneLine(store.kind)} ${store.ok ? '✓' : '✗ does not answer'}   revision ${store.revision}`,
    `guests ${counted.length === 0 ? 'none' : counted.join('   ')}`,
    ...(pressure ? [`waits  ${pressureText(pressure)}`] : []),
    ...siteLines(sites, attention),
  ]
  if (attention.length === 0) return [...lines, '✓ nothing needs you', ''].join('\n')
  const named = new Set(sites.map(({ name }) => name))
  const others = attention.filter((each) => !named.has(each.what))
  if (others.length === 0) return [...lines, ''].join('\n')
  const what = Math.max(...others.map((each) => each.what.length))
  const told = others.map(
    (each) => `▲ ${oneLine(each.what).padEnd(what)}  ${oneLine(firstLine(each.why))}  → ${oneLine(each.do)}`,
  )
  return [...lines, '', ...told, ''].join('\n')
}

/** Those that somebody must look at, and as many others as there is room for. */
function siteLines(sites: readonly SiteNow[], attention: readonly Attention[]): string[] {
  if (sites.length === 0) return []
  const why = new Map(attention.map((each) => [each.what, each]))
  const [troubled, well] = [sites.filter(({ name }) => why.has(name)), sites.filter(({ name }) => !why.has(name))]
  const shown = [...troubled, ...well.slice(0, Math.max(0, mostSites - troubled.length))]
  const cells = shown.map((site) => {
    const needs = why.get(site.name)
    return [oneLine(site.name), nowText(site, needs), needs ? oneLine(needs.do) : none]
  })
  const rows = [['SITE', 'NOW', 'DO'], ...cells]
  const width = (column: number) => Math.max(...rows.map((row) => row[column]?.length ?? 0))
  const [one, two] = [width(0), width(1)]
  const more = sites.length - shown.length
  return [
    '',
    ...rows.map(([name = '', now = '', next = '']) => `${name.padEnd(one)}  ${now.padEnd(two)}  ${next}`),
    ...(more > 0 ? [`and ${more} more: croft site ls`] : []),
  ]
}

const mostSites = 12

function nowText({ state, ready, count, release }: SiteNow, needs: Attention | undefined): string {
  const { text } = stateCell(oneLine(state))
  if (needs) return `${text}: ${oneLine(firstLine(needs.why))}`
  return state === 'empty' ? text : `${text} ${ready} of ${count}  ${oneLine(release ?? '')}`.trimEnd()
}

/** A build's last words are for `croft template show`. */
const firstLine = (text: string): string => text.split('\n', 1)[0] ?? ''
