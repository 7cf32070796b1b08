/**
 * Every request that a hostile value can be put into: made by walking the schemas of bodies, queries and paths, so that a
 * new field is attacked by itself.
 */
import { z } from 'zod'
import { type Route, type RouteName, routes } from '../../src/api/routes.ts'
import { bodies, pathValues, queries } from '../../src/api/schemas.ts'
import { hostileTexts, hostileValues, marker } from './hostile.ts'

export interface Attack {
  readonly route: RouteName
  readonly method: string
  readonly path: string
  readonly body?: unknown
  /** Which part was made hostile, for the message of a failing test. */
  readonly where: string
  readonly value: unknown
  /** By the schemas of this route nothing is wrong with it. */
  readonly valid: boolean
}

/** Names of what is there, so that a request is stopped by what is hostile in it, not because of what is missing. */
export interface World {
  readonly guest: string
  readonly snapshot: string
  readonly template: string
  readonly host: string
  readonly operation: string
  readonly token: string
  readonly route: string
  readonly app: string
  readonly site: string
  readonly secret: string
  readonly size: string
}

export function* attacks(world: World, sample: (values: readonly unknown[]) => readonly unknown[]): Generator<Attack> {
  for (const [name, row] of Object.entries(routes) as [RouteName, Route][]) {
    const route = { name, row, world, sample: sampleBody(name) }
    yield* pathAttacks(route, sample)
    yield* queryAttacks(route, sample)
    yield* bodyAttacks(route, sample)
  }
}

interface Target {
  readonly name: RouteName
  readonly row: Route
  readonly world: World
  /** A body that its schema takes, when it has one. */
  readonly sample: { readonly body?: unknown }
}
type Sample = (values: readonly unknown[]) => readonly unknown[]

/** Whether a request can be asked for as a plan only. */
export function canPlan(name: RouteName): boolean {
  const schema = schemaOf(queries, name)
  return schema instanceof z.ZodObject && 'dryRun' in schema.shape
}

const schemaOf = (of: object, name: string): z.ZodType | undefined => (of as Record<string, z.ZodType>)[name]
const accepts = (schema: z.ZodType, value: unknown): boolean => schema.safeParse(value).success

function* pathAttacks({ name, row, world, sample: body }: Target, sample: Sample): Generator<Attack> {
  for (const key of paramsOf(row.path)) {
    for (const value of sample(hostileTexts)) {
      const text = String(value).toWellFormed()
      const path = fill(row.path, { ...world, [key]: text })
      const valid = accepts(schemaOf(pathValues, key) ?? z.string(), text)
      yield { route: name, method: row.method, path, where: `:${key}`, value, valid, ...body }
    }
  }
}

function* queryAttacks({ name, row, world, sample: body }: Target, sample: Sample): Generator<Attack> {
  const schema = schemaOf(queries, name)
  const keys = schema instanceof z.ZodObject ? Object.keys(schema.shape) : []
  const start = name === 'setData' ? { key: `${marker}/key` } : {}
  for (const key of [...keys, 'unknown', '__proto__', `${marker}\n`]) {
    for (const value of sample(hostileTexts)) {
      const query = Object.fromEntries([...Object.entries(start), [key, String(value).toWellFormed()]])
      const path = `${fill(row.path, world)}?${queryText(query)}`
      const valid = accepts(schema ?? z.strictObject({}), query)
      yield { route: name, method: row.method, path, where: `?${key}`, value, valid, ...body }
    }
  }
}

const queryText = (query: Record<string, string>): string =>
  Object.entries(query)
    .map(([key, value]) => `${encode(key)}=${encode(value)}`)
    .join('&')

function* bodyAttacks({ name, row, world, sample: { body: good } }: Target, sample: Sample): Generator<Attack> {
  const schema = schemaOf(bodies, name)
  if (!schema) return
  const extra = name === 'setData' ? `?key=${marker}/key` : ''
  const to = { route: name, method: row.method, path: fill(row.path, world) + extra } as const
  for (const value of sample(hostileValues))
    yield { ...to, body: value, where: 'body', value, valid: accepts(schema, value) }
  for (const place of places(schema, [])) {
    for (const value of sample(hostileValues)) {
      const body = withValue(good, place, value)
      yield { ...to, body, where: place.join('.'), value, valid: accepts(schema, body) }
    }
  }
}

const sampleBody = (name: RouteName): { body?: unknown } => {
  const schema = schemaOf(bodies, name)
  return schema ? { body: example(schema) } : {}
}

type Place = readonly (string | number)[]

/** Every place of a body where a value can stand: fields, elements of lists, and keys and values of records. */
function places(schema: z.ZodType, at: Place): Place[] {
  const inner = unwrapped(schema)
  if (inner instanceof z.ZodObject) {
    const fields = Object.entries(inner.shape).flatMap(([key, field]) => [
      [...at, key],
      ...places(field as z.ZodType, [...at, key]),
    ])
    return [...fields, [...at, 'unknown'], [...at, '__proto__']]
  }
  if (inner instanceof z.ZodArray) return [[...at, 0], ...places(inner.element as z.ZodType, [...at, 0])]
  if (inner instanceof z.ZodRecord)
    return [
      [...at, 'key'],
      [...at, `${marker}\n`],
      [...at, '__proto__'],
    ]
  if (inner instanceof z.ZodUnion) return inner.options.flatMap((option) => places(option as z.ZodType, at))
  return []
}

function unwrapped(schema: z.ZodType): z.ZodType {
  if (
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodNullable ||
    schema instanceof z.ZodReadonly
  )
    return unwrapped(schema.unwrap() as z.ZodType)
  if (schema instanceof z.ZodPipe) return unwrapped(schema.in as z.ZodType)
  return schema
}

/** Of these a route says one. */
const insteadOfTo: ReadonlySet<string> = new Set(['redirect', 'upstream', 'status'])
/** And of these. */
const insteadOfInstance = 'host'

/** A value that the schema takes, with all that is optional in it. */
export function example(schema: z.ZodType): unknown {
  const inner = unwrapped(schema)
  if (inner instanceof z.ZodObject) {
    const fields = Object.entries(inner.shape).filter(
      ([key]) =>
        !('to' in inner.shape && insteadOfTo.has(key)) && !('instance' in inner.shape && key === insteadOfInstance),
    )
    return Object.fromEntries(fields.map(([key, field]) => [key, example(field as z.ZodType)]))
  }
  if (inner instanceof z.ZodArray) return [example(inner.element as z.ZodType)]
  if (inner instanceof z.ZodRecord) return { key: example(inner.valueType as z.ZodType) }
  if (inner instanceof z.ZodEnum) return inner.options[0]
  const found = goodValues.find((value) => accepts(schema, value))
  if (found !== undefined) return found
  if (inner instanceof z.ZodUnion) return example(inner.options[0] as z.ZodType)
  throw new Error(
    `no good value is known for ${JSON.stringify(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }))}`,
  )
}

/** One of these is right for every field; a new kind of field needs its own here. */
const goodValues: readonly unknown[] = [
  ...[
    'shop',
    'shop.example.org',
    'shop/prod',
    'lark@example.org',
    '1,50%',
    'debian:12',
    'small',
    '10.100.0.0/16',
    'tcp/80',
    '203.0.113.7',
    // No name: nobody here answers for names, and each would be waited for.
    'https://203.0.113.7/debian',
    '/var/lib/pool',
    ':8443',
    '90d',
    '1h',
    'k3f9d2m1c0aa',
    'ab'.repeat(32),
    '203.0.113.7:8443',
    '2026-11-21T10:00:00.000Z',
    '1',
  ],
  ...[true, 'true', 301, 1, 20, 512, 8080, 64 * 1024 ** 2, 'allow', 'in', 'tcp', 'start', 'file', 'any', 'guest', null],
  'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGJ1bmNoIG9mIGJ5dGVzIHRoYXQgYXJlIG5vIGtleQ== lark',
]

function withValue(good: unknown, [key, ...rest]: Place, value: unknown): unknown {
  if (key === undefined) return value
  const copy: unknown = Array.isArray(good) ? [...good] : { ...(good as object) }
  const inner = (good as Record<string, unknown> | undefined)?.[key as string]
  // Defined, not assigned: `__proto__` must be a field like others.
  Object.defineProperty(copy, key, {
    value: withValue(inner, rest, value),
    enumerable: true,
    writable: true,
    configurable: true,
  })
  return copy
}

const paramsOf = (path: string): string[] => [...path.matchAll(/:([a-z]+)/g)].map(([, key = '']) => key)
const encode = (text: string): string => encodeURIComponent(text.toWellFormed())
export const fill = (path: string, values: object): string =>
  path.replaceAll(/:([a-z]+)/g, (_, key: string) => encode((values as Record<string, string>)[key] ?? ''))
