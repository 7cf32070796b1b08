/** OpenAPI 3.1 from the route table and its schemas; docs/openapi.json is held to it by a test. */
import { z } from 'zod'
import { errorTable } from './errors.ts'
import { type Route, type RouteName, routes } from './routes.ts'
import { bodies, pathValues, queries } from './schemas.ts'

export function openapi(version: string): object {
  const paths: Record<string, Record<string, object>> = {}
  for (const [name, route] of Object.entries(routes) as [RouteName, Route][]) {
    const path = route.path.replaceAll(/:([a-z]+)/g, '{$1}')
    paths[path] ??= {}
    paths[path][route.method.toLowerCase()] = operation(name, route)
  }
  return {
    openapi: '3.1.0',
    info: { title: 'croft', version, license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
    servers: [
      {
        url: 'http://localhost',
        description: 'over the unix socket /run/croft/croft.sock: root of the host, without more',
      },
      {
        url: 'https://{host}:8443',
        description: 'from outside, where the farm listens',
        variables: { host: { default: 'localhost' } },
      },
    ],
    security: [{}, { token: [] }, { certificate: [] }],
    paths,
    components: {
      schemas: { Error: errorSchema },
      securitySchemes: { token: tokenScheme, certificate: certificateScheme },
    },
  }
}

const tokenScheme = {
  type: 'http',
  scheme: 'bearer',
  bearerFormat: 'croft_NAME_SECRET',
  description: 'what croft token add prints; its role says what it may',
}

const certificateScheme = { type: 'mutualTLS', description: 'what croft token add --cert prints' }

const errorSchema = {
  type: 'object',
  required: ['code', 'message'],
  properties: {
    code: { enum: Object.keys(errorTable) },
    message: { type: 'string' },
    hint: { type: 'string' },
    op: { type: 'string' },
  },
}

function operation(name: RouteName, route: Route): object {
  const body = (bodies as Partial<Record<RouteName, z.ZodType>>)[name]
  return {
    operationId: name,
    summary: route.summary,
    'x-access': `${route.access.verb} ${route.access.noun}`,
    parameters: [...pathParameters(route.path), ...queryParameters(name)],
    ...(body ? { requestBody: { required: true, content: { 'application/json': { schema: jsonSchema(body) } } } } : {}),
    ...(route.stream === 'in' ? { requestBody: { required: true, content: { 'application/octet-stream': {} } } } : {}),
    responses: {
      ...(route.reply === 'session'
        ? { 101: { description: 'the connection is a session from here on: frames, as docs/design/sessions.md tells' } }
        : { 200: { description: 'done, or the answer', content: { [answerType(route)]: {} } } }),
      ...(route.method === 'GET' || route.reply === 'session'
        ? {}
        : { 202: { description: 'accepted: the operation goes on' } }),
      default: {
        description: 'an error',
        content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
      },
    },
  }
}

const answerType = ({ stream, reply }: Route): string =>
  stream === 'out' ? 'application/zstd' : reply === undefined ? 'application/json' : 'text/plain'

function pathParameters(path: string): object[] {
  return [...path.matchAll(/:([a-z]+)/g)].map(([, key = '']) => ({
    name: key,
    in: 'path',
    required: true,
    schema: jsonSchema((pathValues as Record<string, z.ZodType>)[key] ?? z.string()),
  }))
}

function queryParameters(name: RouteName): object[] {
  const query = (queries as Partial<Record<RouteName, z.ZodObject>>)[name]
  return Object.entries(query?.shape ?? {}).map(([key, schema]) => ({
    name: key,
    in: 'query',
    schema: jsonSchema(schema as z.ZodType),
  }))
}

function jsonSchema(schema: z.ZodType): object {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Record<
    string,
    unknown
  >
  return rest
}
