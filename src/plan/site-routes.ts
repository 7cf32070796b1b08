/** Which routes a site's configuration asks for: one for its domains, and one for each further path. Pure. */
import type { ResolvedConfig } from '../api/app.ts'

export interface SiteRoute {
  /** `shop.example.org`, `shop.example.org/api`. */
  readonly name: string
  /** The daemon that answers; absent: the first that has a port. */
  readonly daemon?: string
  /** As `croft route set` takes them. */
  readonly change: Readonly<Record<string, unknown>>
}

export function siteRoutes({ route }: Pick<ResolvedConfig, 'route'>): SiteRoute[] {
  const [first, ...names] = route.domains
  if (first === undefined) return []
  const { aliases, settings } = route
  const { '/': root, ...paths } = route.paths
  const own = Object.fromEntries(Object.entries(settings).map(([key, value]) => [settingOf(key), value]))
  return [
    { name: first, ...(root === undefined ? {} : { daemon: root }), change: { ...own, names, aliases } },
    ...Object.entries(paths).map(([path, daemon]) => ({ name: `${first}${path}`, daemon, change: own })),
  ]
}

/** `body-max` as it is typed, `bodyMax` as it is kept. */
const settingOf = (key: string): string => key.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())
