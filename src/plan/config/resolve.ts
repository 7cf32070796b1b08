/** All layers as the one configuration that an instance runs by, and as the one that a build runs by. */
import type { AppConfig, HealthCheck, LayerName, Origin, ResolvedConfig, ResolvedDaemon } from '../../api/app.ts'
import { appFolder, appUser, layerNames } from '../../api/app.ts'
import type { CroftError } from '../../api/errors.ts'
import { interpolator, secretsIn, type Words } from './interpolate.ts'
import { merge, settled } from './merge.ts'
import { absolute, type Flat, flatten, unflatten } from './paths.ts'
import { wrongAt } from './wrong.ts'

export interface Layer {
  readonly name: LayerName
  /** `platform node`, `croft.toml`, `croft config set`, a file on a host. */
  readonly from: string
  readonly config: AppConfig
  /** By path, where more is known than the layer: who said it, and when. */
  readonly origins?: Readonly<Record<string, Origin>>
}

export interface About {
  /** `shop/prod` */
  readonly site: string
  readonly slot: number
  readonly release?: string
  /** Takes what is wrong with a name that is not there, where some later layer may bring it. */
  readonly onUnknown?: (wrong: CroftError) => void
}

export interface Resolved {
  readonly config: ResolvedConfig
  /** By path, of every value that some layer has said. */
  readonly origins: Readonly<Record<string, Origin>>
}

/** Layers in any order; two of one name lie over each other as they are given. */
export function resolveConfig(layers: readonly Layer[], about: About): Resolved {
  const flat = joined(layers)
  const [app = '', stage = ''] = about.site.split('/')
  const words = { site: about.site, stage, slot: String(about.slot), release: about.release ?? '' }
  const said = unflatten(interpolated(withName(flat, app), words, about.onUnknown))
  return { config: completed(said, app), origins: originsOf(layers) }
}

export type ResolvedBuild = Pick<ResolvedConfig, 'app' | 'build'>

/** What a build needs, for which there is no site: only what its own values name is looked at. */
export function resolveBuild(layers: readonly Layer[], app: string): ResolvedBuild {
  const flat = withName(joined(layers), app)
  const read = interpolator(flat, {})
  const mine = [...flat.keys()].filter((path) => path.startsWith('build.') || path.startsWith('app.'))
  const said = unflatten(new Map(mine.map((path) => [path, settled(read(path))])))
  return { app: appOf(said, app), build: buildOf(said) }
}

/** Secrets that must be there before an instance of it can be made. */
export const secretsOf = (config: ResolvedConfig): readonly string[] => [...secretPaths(config).keys()].sort()

/** Name → the path of a value that names it. */
export function secretPaths({ env, daemon }: ResolvedConfig): ReadonlyMap<string, string> {
  const named = (prefix: string, values: Readonly<Record<string, string>>) =>
    Object.entries(values).flatMap(([key, text]) => secretsIn(text).map((name) => [name, `${prefix}.${key}`] as const))
  const own = Object.entries(daemon).flatMap(([name, each]) => named(`daemon.${name}.env`, each.env))
  return new Map([...own, ...named('env', env)])
}

export const inOrder = (layers: readonly Layer[]): readonly Layer[] =>
  layers.toSorted((a, b) => layerNames.indexOf(a.name) - layerNames.indexOf(b.name))

const joined = (layers: readonly Layer[]): Flat =>
  inOrder(layers)
    .map(({ config }): Flat => flatten(config))
    .reduce(merge, new Map<string, unknown>())

const withName = (flat: Flat, app: string): Flat => new Map([['app.name', app], ...flat])

function interpolated(flat: Flat, about: Words, onUnknown: About['onUnknown']): Flat {
  const read = interpolator(flat, about, onUnknown)
  return new Map([...flat.keys()].map((path) => [path, settled(read(path))]))
}

export function originsOf(layers: readonly Layer[]): Record<string, Origin> {
  const origins = new Map<string, Origin>()
  for (const layer of inOrder(layers))
    for (const path of flatten(layer.config).keys()) origins.set(path, originOf(layer, path))
  return Object.fromEntries(origins)
}
export const originOf = ({ name, from, origins = {} }: Layer, path: string): Origin =>
  (Object.hasOwn(origins, path) ? origins[path] : undefined) ?? { layer: name, from }

function completed(said: AppConfig, app: string): ResolvedConfig {
  const daemon = daemonsOf(said)
  const { route = {}, instances = {}, before = {} } = said
  return {
    app: appOf(said, app),
    build: buildOf(said),
    env: said.env ?? {},
    daemon,
    cron: cronOf(said),
    route: {
      domains: route.domains ?? [],
      aliases: route.aliases ?? [],
      paths: pathsOf(route, daemon),
      settings: route.settings ?? {},
    },
    data: dataOf(said),
    instances: { count: instances.count ?? 1, size: instances.size ?? null },
    before: before.command ? { command: before.command, timeoutSeconds: before.timeoutSeconds ?? 600 } : null,
  }
}

const appOf = ({ app = {} }: AppConfig, name: string): ResolvedConfig['app'] => ({
  ...app,
  name: app.name ?? name,
  platform: app.platform ?? 'plain',
})

const buildOf = ({ build = {} }: AppConfig): ResolvedConfig['build'] => ({
  base: 'debian:12',
  packages: [],
  commands: [],
  artifacts: [],
  env: {},
  secrets: [],
  submodules: false,
  memoryBytes: 2 * 1024 ** 3,
  cpus: 2,
  diskBytes: 8 * 1024 ** 3,
  timeoutSeconds: 1800,
  ...build,
})

/** One without a command is switched off, when a layer says so in so many words. */
function daemonsOf({ daemon = {} }: AppConfig): Record<string, ResolvedDaemon> {
  const all = Object.fromEntries(
    Object.entries(daemon).flatMap(
      ([name, { command, port = null, health, user, folder, memoryBytes = null, unit, env }]) => {
        if (command === undefined) throw lacks(`daemon.${name}`, 'command')
        if (command === '') return []
        const resolved: ResolvedDaemon = {
          ...{ command, port, memoryBytes },
          health: healthOf(health ?? { kind: port === null ? 'none' : 'tcp' }, name, port),
          user: user ?? appUser.name,
          folder: absolute(folder ?? ''),
          unit: unit ?? {},
          env: env ?? {},
        }
        return [[name, resolved]]
      },
    ),
  )
  assertOwnPorts(all)
  return all
}

function assertOwnPorts(daemons: Readonly<Record<string, ResolvedDaemon>>): void {
  const held = new Map<number, string>()
  for (const [name, { port }] of Object.entries(daemons)) {
    if (port === null) continue
    const holder = held.get(port)
    if (holder !== undefined)
      throw wrongAt(`daemon.${name}.port`, `daemon.${name}.port is ${port}, as is daemon.${holder}.port`)
    held.set(port, name)
  }
}

function healthOf(said: HealthCheck, name: string, port: number | null): Required<HealthCheck> {
  if (port === null && (said.kind === 'http' || said.kind === 'tcp'))
    throw lacks(`daemon.${name}`, 'port', `, which its health check asks`)
  return { path: '', command: '', intervalSeconds: 2, timeoutSeconds: 5, withinSeconds: 60, ...said }
}

function cronOf({ cron = {} }: AppConfig): ResolvedConfig['cron'] {
  return Object.fromEntries(
    Object.entries(cron).flatMap(
      ([name, { schedule, command, on = 'once', user = appUser.name, timeoutSeconds = 3600 }]) => {
        if (command === '') return []
        if (command === undefined) throw lacks(`cron.${name}`, 'command')
        if (schedule === undefined) throw lacks(`cron.${name}`, 'schedule')
        return [[name, { schedule, command, on, user, timeoutSeconds }]]
      },
    ),
  )
}

function dataOf({ data = {} }: AppConfig): ResolvedConfig['data'] {
  const all = Object.entries(data).map(([name, { path, sizeBytes = 1024 ** 3 }]) => {
    if (path === undefined) throw lacks(`data.${name}`, 'path')
    return [name, { path: absolute(path), sizeBytes }] as const
  })
  const inside = (a: string, b: string) => a === b || a.startsWith(`${b}/`)
  for (const [name, { path }] of all) {
    const other = all.find((each) => each[0] !== name && inside(path, each[1].path))
    if (other) throw wrongAt(`data.${name}.path`, `data.${name} and data.${other[0]} lie in each other: ${path}`)
    if (inside(appFolder, path) || !/^\/(srv|var|opt|home|mnt|data)\/./.test(path))
      throw wrongAt(
        `data.${name}.path`,
        `data.${name}: nothing that lasts can be at ${path}`,
        'a folder of the checkout, as path = "uploads"',
      )
  }
  return Object.fromEntries(all)
}

function pathsOf(
  { domains = [], paths = {} }: NonNullable<AppConfig['route']>,
  daemon: Readonly<Record<string, ResolvedDaemon>>,
): Record<string, string> {
  const [first] = Object.keys(daemon).filter((name) => daemon[name]?.port !== null)
  for (const [path, name] of Object.entries(paths)) {
    if (!Object.hasOwn(daemon, name))
      throw wrongAt(`route.paths.${path}`, `route.paths.${path}: there is no daemon "${name}"`)
    if (daemon[name]?.port === null) throw lacks(`daemon.${name}`, 'port', `, and route.paths.${path} leads to it`)
  }
  if (first === undefined && domains.length > 0)
    throw wrongAt('route.domains', 'there are domains, and no daemon that has a port')
  return first === undefined ? {} : { '/': first, ...paths }
}

function lacks(what: string, field: string, why = ''): CroftError {
  return wrongAt(what, `[${what}] has no ${field}${why}`, `${field} = … below [${what}] of croft.toml`)
}
