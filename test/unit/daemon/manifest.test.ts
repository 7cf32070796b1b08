import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readGuestManifest } from '../../../src/daemon/host/manifest.ts'
import { emptySpec } from '../../../src/daemon/records/new-guest.ts'

const from = { kind: 'template', id: 'template-1', ref: 'debian:12' }
const told = (name: string) => ({
  ...{ name, id: 'guest-1', slot: 3, generation: 2, created: '2026-01-01T00:00:00.000Z', number: 7 },
  spec: {
    ...{ ...emptySpec, template: 'debian:12', root: { id: 'root-1', from } },
    part: { kind: 'instance', site: 'shop/prod', slot: 1, release: 'shop:v1' },
    seed: 'root-1',
    volumes: [{ id: 'aaaaaaaa', target: '/etc' }],
  },
})

test('what was an instance is adopted as a guest of its own, that does not run and has nothing of its site’s', () => {
  const guest = readGuestManifest(told('shop/prod/1'))
  assert.deepEqual([guest?.name, guest?.spec.run], ['shop-prod-1', 'stopped'])
  for (const key of ['part', 'seed', 'volumes']) assert.ok(guest && !(key in guest.spec), key)
  assert.equal(readGuestManifest(told('web'))?.spec.run, 'running')
  for (const name of ['shop/prod', 'shop/prod/1/2', '../prod/1']) assert.equal(readGuestManifest(told(name)), undefined)
})
