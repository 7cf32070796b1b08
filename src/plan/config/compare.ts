/** Configurations told value by value: what one says and whose word it is, and what differs between two. Pure. */
import type { AppConfig, Origin, ResolvedConfig } from '../../api/app.ts'
import type { ConfigDifference, ConfigLine } from '../../api/site.ts'
import { friendly } from './friendly.ts'
import { flatten } from './paths.ts'
import { inOrder, type Layer, originOf, type Resolved } from './resolve.ts'

/** In the order of their paths; `all`: also what nobody said. With the layers it is told what each value goes before. */
export function linesOf({ config, origins }: Resolved, all = false, layers: readonly Layer[] = []): ConfigLine[] {
  const said = inOrder(layers).map((layer) => ({ layer, flat: flatten(layer.config) }))
  const below = (path: string): Pick<ConfigLine, 'overridden'> => {
    const sayings = said.flatMap(({ layer, flat }) =>
      flat.has(path) ? [{ value: friendly(path, flat.get(path)), origin: originOf(layer, path) }] : [],
    )
    return sayings.length < 2 ? {} : { overridden: sayings.slice(0, -1).reverse() }
  }
  return [...flatOf(config)]
    .filter(([path]) => all || Object.hasOwn(origins, path))
    .map(([path, value]) => ({ path, value: friendly(path, value), ...originIn(origins, path), ...below(path) }))
    .sort(byPath)
}

/** As it was written, where the whole does not come together. */
export function linesOfLayers(layers: readonly Layer[]): ConfigLine[] {
  const lines = new Map<string, ConfigLine>()
  for (const layer of inOrder(layers))
    for (const [path, value] of flatten(layer.config))
      lines.set(path, { path, value: friendly(path, value), origin: originOf(layer, path) })
  return [...lines.values()].sort(byPath)
}

/** How a release is built is no matter of what runs. */
export function differencesBetween(now: ResolvedConfig | undefined, { config, origins }: Resolved): ConfigDifference[] {
  const [old, next] = [now ? flatOf(now) : new Map<string, unknown>(), flatOf(config)]
  return [...new Set([...old.keys(), ...next.keys()])]
    .filter((path) => !path.startsWith('build.') && JSON.stringify(old.get(path)) !== JSON.stringify(next.get(path)))
    .map((path) => ({
      ...{ path, now: friendly(path, old.get(path)) ?? null, next: friendly(path, next.get(path)) ?? null },
      ...(next.has(path) ? originIn(origins, path) : {}),
    }))
    .sort(byPath)
}

/** What has no value is left out, and so has none. */
const flatOf = (config: ResolvedConfig): Map<string, unknown> => flatten(config as unknown as AppConfig)

const originIn = (origins: Readonly<Record<string, Origin>>, path: string): { origin?: Origin } => {
  const origin = Object.hasOwn(origins, path) ? origins[path] : undefined
  return origin ? { origin } : {}
}

const byPath = (a: { path: string }, b: { path: string }): number => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0)
