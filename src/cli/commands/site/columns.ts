import type { Instance, Site } from '../../../api/site.ts'
import type { Column } from '../../answer.ts'

const readyOf = ({ instances }: Site): number => instances.filter(({ state }) => state === 'ready').length

/** `2/3` */
export const readyText = (site: Site): string => `${readyOf(site)}/${site.run === 'stopped' ? 0 : site.count}`

export const siteColumns: readonly Column<Site>[] = [
  { title: 'NAME', get: (site) => site.name },
  { title: 'STATE', as: 'state', get: (site) => site.state },
  { title: 'RELEASE', get: (site) => site.release },
  { title: 'READY', get: (site) => (site.state === 'empty' ? null : readyText(site)) },
  { title: 'DOMAINS', elastic: true, get: (site) => site.domains.join(' ') || null },
  { title: 'SIZE', wide: true, get: (site) => site.size },
  { title: 'AGE', wide: true, as: 'age', get: (site) => site.created },
  { title: 'REASON', sparse: true, get: (site) => firstLine(site.reason) },
]

export const firstLine = (text: string | undefined): string | null => text?.split('\n', 1)[0] ?? null

/** `shop/prod/2  ● ready  10.100.0.7  shop:v1.2` in a field. */
export const instanceText = ({ name, state, ipv4, release, reason }: Instance): string =>
  [name, state, ipv4, release, ...(reason === undefined ? [] : [firstLine(reason)])].join('  ')
