/** Where each value comes from, and what differs between two configurations. */
import type { AppConfig, Origin, ResolvedConfig } from '../../api/app.ts'
import { friendly } from './friendly.ts'
import { flatten } from './paths.ts'
import { inOrder, type Layer, originOf, type Resolved } from './resolve.ts'

export interface Explained {
  readonly path: string
  /** As croft.toml would say it. */
  readonly value: unknown
  /** Absent for what no layer says: croft's own. */
  readonly origin?: Origin
  /** The nearest below first. */
  readonly overridden: readonly { readonly value: unknown; readonly origin: Origin }[]
}

/** Every value of a site, those that nobody said too. Secrets are named in it, never told. */
export function explain(layers: readonly Layer[], { config, origins }: Resolved): Explained[] {
  const said = inOrder(layers).map((layer) => ({ layer, flat: flatten(layer.config) }))
  return [...flatResolved(config)].map(([path, value]) => {
    const all = said.flatMap(({ layer, flat }) =>
      flat.has(path) ? [{ value: friendly(path, flat.get(path)), origin: originOf(layer, path) }] : [],
    )
    const origin = Object.hasOwn(origins, path) ? origins[path] : undefined
    return {
      path,
      value: friendly(path, value),
      ...(origin === undefined ? {} : { origin }),
      overridden: all.slice(0, -1).reverse(),
    }
  })
}

export interface Difference {
  readonly path: string
  readonly before?: unknown
  readonly after?: unknown
}

/** In the order of the configuration. A list or a health check that differs is one difference. */
export function diffConfigs(before: ResolvedConfig | AppConfig, after: ResolvedConfig | AppConfig): Difference[] {
  const [a, b] = [flatten(before as AppConfig), flatten(after as AppConfig)]
  return [...new Set([...a.keys(), ...b.keys()])].flatMap((path) => {
    const [was, is] = [friendly(path, a.get(path)), friendly(path, b.get(path))]
    if (JSON.stringify(was) === JSON.stringify(is)) return []
    return [{ path, ...(was === undefined ? {} : { before: was }), ...(is === undefined ? {} : { after: is }) }]
  })
}

const flatResolved = (config: ResolvedConfig): Map<string, unknown> => flatten(config as AppConfig)
