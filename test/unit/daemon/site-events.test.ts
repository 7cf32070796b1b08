/** What is told of applications and sites; nothing of it says what a setting or a secret is. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { tellBatch } from '../../../src/daemon/events/derive.ts'
import type { Change } from '../../../src/store/store.ts'

const put = (key: string, value: unknown, before?: unknown): Change => ({
  kind: 'put',
  key,
  value,
  before,
  revision: 7,
})
const gone = (key: string, before: unknown): Change => ({ kind: 'delete', key, before, revision: 7 })
const tell = (...changes: Change[]) =>
  tellBatch({ revision: 7, changes }).map(({ kind, name, event, detail }) =>
    [kind, name, event, ...(detail === undefined ? [] : [detail])].join(' '),
  )

test('a site comes, is given a release, stops and goes; its app is not told anew', () => {
  const site = { app: 'shop', stage: 'prod', release: null, run: 'running' }
  assert.deepEqual(tell(put('apps/shop', { name: 'shop' }), put('sites/shop/prod', site)), [
    'app shop created',
    'site shop/prod created',
  ])
  assert.deepEqual(tell(put('apps/shop', { name: 'shop' }, { name: 'shop' })), [])
  assert.deepEqual(tell(put('sites/shop/prod', { ...site, release: 'shop:v1' }, site)), [
    'site shop/prod released shop:v1',
  ])
  assert.deepEqual(tell(put('sites/shop/prod', { ...site, run: 'stopped' }, site)), ['site shop/prod stopped'])
  assert.deepEqual(tell(put('sites/shop/prod', { ...site, deleting: true, run: 'stopped' }, site)), [
    'site shop/prod removing',
  ])
  assert.deepEqual(tell(gone('sites/shop/prod', site), gone('configs/shop/prod', { values: {} })), [
    'site shop/prod removed',
  ])
})

test('of settings and secrets the names are told', () => {
  const before = { values: { 'env.A': { value: 'canary', by: 'root', at: '' } } }
  const after = { values: { 'env.A': { value: 'canary2' }, 'instance 2 env.B': { value: 'canary' } } }
  const told = [
    ...tell(put('configs/shop/prod', after, before)),
    ...tell(put('configs/shop/prod', before, before), put('secrets/sites/shop/prod/KEY', { sealed: 'canary' })),
    ...tell(gone('secrets/sites/shop/prod/KEY', { sealed: 'canary' })),
    ...tell(put('secrets/routes/abc', { users: {} })),
  ]
  assert.deepEqual(told, [
    'site shop/prod configured env.A, instance 2 env.B',
    'site shop/prod secret-set KEY',
    'site shop/prod secret-removed KEY',
  ])
})
