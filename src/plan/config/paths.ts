/**
 * One value of a configuration has one path, in the words of croft.toml: `env.DB_URL`, `daemon.web.unit.Service.Nice`. Layers, origins, `config set`
 * and differences all speak of these; the configuration itself is made from them again.
 */
import { type AppConfig, appFolder } from '../../api/app.ts'
import { CroftError } from '../../api/errors.ts'
import { nearest } from '../../api/nearest.ts'

/** Path → value as the configuration holds it. */
export type Flat = ReadonlyMap<string, unknown>

/** Field in croft.toml → field in the configuration; `*` is any name, and behind it there is nothing further. */
type Fields = Readonly<Record<string, string | typeof anyName>>
export const anyName = Symbol('any name')
interface Section {
  /** `[daemon.NAME]` */
  readonly named?: true
  readonly fields: Fields
}

const same = (...names: readonly string[]): Fields => Object.fromEntries(names.map((name) => [name, name]))

export const routeFields: Fields = {
  ...same('domains', 'aliases'),
  paths: anyName,
  ...same(
    'https',
    'sticky',
    'compress',
    'check',
    'allow',
    'deny',
    'rate',
    'timeout',
    'queue',
    'connections',
    'noindex',
    'maintenance',
  ),
  ...{
    'body-max': 'bodyMax',
    'maintenance-text': 'maintenanceText',
    'retry-after': 'retryAfter',
    'client-address': 'clientAddress',
  },
}

export const sections: Readonly<Record<string, Section>> = {
  app: { fields: same('name', 'platform', 'root', 'fallback') },
  build: {
    fields: {
      ...same('base', 'packages', 'commands', 'artifacts'),
      ...{ env: anyName, secrets: 'secrets', submodules: 'submodules' },
      ...{ memory: 'memoryBytes', cpus: 'cpus', disk: 'diskBytes', timeout: 'timeoutSeconds' },
    },
  },
  env: { fields: {} },
  daemon: {
    named: true,
    fields: {
      ...same('command', 'port', 'health', 'user'),
      ...{ directory: 'folder', memory: 'memoryBytes', unit: anyName, env: anyName },
    },
  },
  cron: { named: true, fields: { ...same('schedule', 'command', 'on', 'user'), timeout: 'timeoutSeconds' } },
  route: { fields: routeFields },
  data: { named: true, fields: { path: 'path', size: 'sizeBytes' } },
  instances: { fields: same('count', 'size') },
  before: { fields: { command: 'command', timeout: 'timeoutSeconds' } },
}
const routeOwn: ReadonlySet<string> = new Set(['domains', 'aliases', 'paths'])

export const fieldsOf = (section: string): Fields =>
  Object.hasOwn(sections, section) ? (sections[section] as Section).fields : {}

/** What may stand in the table at this path. */
export function namesAt(path: readonly string[]): readonly string[] {
  const [section, ...rest] = path
  if (section === undefined) return Object.keys(sections)
  if (rest.length === (sections[section]?.named ? 1 : 0)) return Object.keys(fieldsOf(section))
  return rest.at(-1) === 'health' ? ['http', 'tcp', 'exec', 'every', 'timeout', 'within'] : []
}

/** `daemon.web.unit.Service.Nice` → daemon, web, unit, Service.Nice. Refused with what was probably meant. */
export function segmentsOf(path: string): readonly string[] {
  const [section = '', ...rest] = path.split('.')
  const names = Object.keys(sections)
  if (!Object.hasOwn(sections, section)) throw unknown(path, section, names)
  if (section === 'env') return withRest(path, ['env'], rest)
  const { named, fields } = sections[section] as Section
  const part = named ? rest.slice(0, 1) : []
  const [field, ...behind] = rest.slice(part.length)
  if (field === undefined)
    throw new CroftError(
      'BAD_VALUE',
      `"${path.slice(0, 100)}" is a table; a value is at ${example(section, part, fields)}`,
    )
  if (!Object.hasOwn(fields, field)) throw unknown(path, field, Object.keys(fields))
  const above = [section, ...part, field]
  if (fields[field] === anyName) return withRest(path, above, behind)
  if (behind.length > 0)
    throw new CroftError('BAD_VALUE', `${above.join('.').slice(0, 100)} is a value, and has nothing inside`)
  return above
}

function withRest(path: string, above: readonly string[], rest: readonly string[]): readonly string[] {
  if (rest.length > 0 && rest[0] !== '') return [...above, rest.join('.')]
  throw new CroftError('BAD_VALUE', `"${path.slice(0, 100)}" lacks a name, as in ${above.join('.')}.NAME`)
}
const example = (section: string, part: readonly string[], fields: Fields): string =>
  [section, ...(sections[section]?.named ? [part[0] ?? 'NAME'] : []), Object.keys(fields)[0] ?? '']
    .join('.')
    .slice(0, 100)

/** What a guest is told in one word. */
const ofGuests: ReadonlyMap<string, string> = new Map([
  ['memory', 'an instance has that of its size, instances.size, and a daemon daemon.NAME.memory'],
  ['cpu', 'an instance has that of its size: instances.size'],
  ['disk', 'an instance has that of its size: instances.size'],
  ['processes', 'an instance has that of its size: instances.size'],
  ['size', 'did you mean "instances.size"?'],
  ['count', 'did you mean "instances.count"?'],
  ['domain', 'did you mean "route.domains"?'],
  ['domains', 'did you mean "route.domains"?'],
])

function unknown(path: string, word: string, candidates: readonly string[]): CroftError {
  const near = nearest(word, candidates)
  const meant = near === undefined ? `; there is ${candidates.join(', ')}` : `; did you mean "${near}"?`
  const elsewhere =
    ofGuests.get(path) ?? (/^[A-Z][A-Z0-9_]*$/.test(path) ? `did you mean "env.${path.slice(0, 60)}"?` : undefined)
  return new CroftError(
    'BAD_VALUE',
    `"${path.slice(0, 100)}" is nothing of a configuration${elsewhere === undefined ? meant : `; ${elsewhere}`}`,
  )
}

/** In the application's folder, unless it says otherwise. */
export const absolute = (path: string): string =>
  (path.startsWith('/') ? path : `${appFolder}/${path}`).replace(/\/(\.?\/)+/g, '/').replace(/(?<=.)\/\.?$/, '')

/** Every value of it by its path. Null is no value. */
export function flatten(config: AppConfig): Map<string, unknown> {
  const found = new Map<string, unknown>()
  for (const section of Object.keys(sections)) {
    const table = (config as Tree)[section]
    if (!isTable(table)) continue
    const { named, fields } = sections[section] as Section
    if (section === 'env') put(found, 'env', table)
    else if (!named) flattenTable(found, section, section === 'route' ? openRoute(table) : table, fields)
    else
      for (const [name, part] of Object.entries(table))
        if (isTable(part)) flattenTable(found, `${section}.${name}`, part, fields)
  }
  return found
}

type Tree = Readonly<Record<string, unknown>>
const isTable = (value: unknown): value is Tree => typeof value === 'object' && value !== null && !Array.isArray(value)
const openRoute = ({ settings, ...own }: Tree): Tree => ({ ...(isTable(settings) ? settings : {}), ...own })

function flattenTable(found: Map<string, unknown>, above: string, table: Tree, fields: Fields): void {
  for (const [field, key] of Object.entries(fields)) {
    const value = table[key === anyName ? field : (key as string)]
    if (key === anyName) put(found, `${above}.${field}`, isTable(value) ? value : {})
    else if (value !== undefined && value !== null) found.set(`${above}.${field}`, value)
  }
}

function put(found: Map<string, unknown>, above: string, table: Tree): void {
  for (const [name, value] of Object.entries(table)) found.set(`${above}.${name}`, value)
}

/** The way back: `unflatten(flatten(c))` is `c` without its empty tables. */
export function unflatten(flat: Flat): AppConfig {
  const config: Record<string, unknown> = {}
  for (const [path, value] of flat) {
    const keys = keysOf(segmentsOf(path))
    let table = config
    for (const key of keys.slice(0, -1)) {
      if (!Object.hasOwn(table, key)) define(table, key, {})
      table = table[key] as Record<string, unknown>
    }
    define(table, keys.at(-1) ?? '', value)
  }
  return config as AppConfig
}
/** Also for a name that the language gives a meaning to. */
const define = (table: Record<string, unknown>, key: string, value: unknown): unknown =>
  Object.defineProperty(table, key, { value, enumerable: true, writable: true, configurable: true })

function keysOf(segments: readonly string[]): readonly string[] {
  const [section = '', ...rest] = segments
  if (section === 'env') return segments
  const { named, fields } = sections[section] as Section
  const part = named ? rest.slice(0, 1) : []
  const [field = '', ...behind] = rest.slice(part.length)
  const key = fields[field] === anyName ? field : (fields[field] as string)
  const inside = section === 'route' && !routeOwn.has(field) ? ['settings', key] : [key]
  return [section, ...part, ...inside, ...behind]
}
