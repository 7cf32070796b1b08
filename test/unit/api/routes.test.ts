import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { isCode } from '../../../src/api/errors.ts'
import { openapi } from '../../../src/api/openapi.ts'
import { type Role, type Route, routes } from '../../../src/api/routes.ts'
import { bodies, pathValues, queries } from '../../../src/api/schemas.ts'
import { assertMay, may } from '../../../src/daemon/http/access.ts'
import { handlers } from '../../../src/daemon/http/handlers/table.ts'
import { version } from '../../../src/version.ts'

const table: [string, Route][] = Object.entries(routes)
const docs = resolve(import.meta.dirname, '../../../docs')

test('docs/openapi.json is what the route table says (else: node script/openapi.ts)', () => {
  assert.deepEqual(JSON.parse(readFileSync(join(docs, 'openapi.json'), 'utf8')), structuredClone(openapi(version)))
})

test('every route has a handler and says who may; no handler is without a route', () => {
  assert.deepEqual(Object.keys(handlers).sort(), table.map(([name]) => name).sort())
  for (const [name, { access, summary, path }] of table) {
    assert.match(`${access.verb} ${access.noun}`, /^(read|create|change|delete|use|operate) [a-z]+$/, name)
    assert.ok(summary.length > 3, name)
    // A Prometheus looks for this one where all others have it.
    if (name !== 'getMetrics') assert.match(path, /^\/v1(\/([a-z-]+|:[a-z]+))+(\.json)?$/, name)
  }
})

test('no two routes meet, and what stands in a path has a schema', () => {
  assert.equal(new Set(table.map(([, { method, path }]) => `${method} ${path}`)).size, table.length)
  for (const [name, { path }] of table)
    for (const [, word = ''] of path.matchAll(/:([a-z]+)/g)) assert.ok(word in pathValues, `${name} :${word}`)
})

test('a body or query schema belongs to a route; what changes something can be planned and reasoned about', () => {
  for (const name of [...Object.keys(bodies), ...Object.keys(queries)]) assert.ok(name in routes, name)
  const exempt = ['cancelOperation', 'execGuest']
  for (const [name, { method, access }] of table)
    if (method !== 'GET' && access.noun !== 'peer' && !exempt.includes(name))
      assert.ok('dryRun' in ((queries as Record<string, { shape?: object }>)[name]?.shape ?? {}), name)
})

test('reading changes nothing: GET is read or use, and the rest is not', () => {
  const reads = table.filter(([, { method }]) => method === 'GET')
  const rawRecords = 'listData'
  for (const [name, { access }] of reads) assert.ok(name === rawRecords || ['read', 'use'].includes(access.verb), name)
  for (const [name, { method, access }] of table) if (method !== 'GET') assert.notEqual(access.verb, 'read', name)
})

test('the matrix: an operator may all but what hosts say to each other, a reader may what only reads, and nobody else anything', () => {
  for (const [name, { access }] of table) {
    assert.ok(may({ name: 'birch', role: 'host' }, access), name)
    const ofPeers = access.noun === 'peer'
    assert.equal(may({ name: 'root', role: 'operator' }, access), !ofPeers, name)
    const reader = { name: 'guest-of-honour', role: 'reader' } as const
    assert.equal(may(reader, access), access.verb === 'read' && !ofPeers, name)
    if (access.verb !== 'read' || ofPeers)
      assert.throws(
        () => assertMay(reader, access),
        (e) => isCode(e, 'FORBIDDEN'),
        name,
      )
    else assertMay(reader, access)
    assert.equal(may({ name: 'x', role: 'nobody' as Role }, access), false, name)
  }
})

test('what enters a guest or shows its insides is never for readers', () => {
  for (const name of ['attachGuest', 'readConsole', 'listData', 'setData'] as const)
    assert.notEqual(routes[name].access.verb as string, 'read', name)
})
