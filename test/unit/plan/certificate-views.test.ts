import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SetState, Trouble } from '../../../src/plan/acme.ts'
import {
  certificateAttention,
  certificateReasons,
  type ToldCertificate,
  viewCertificates,
} from '../../../src/plan/certificate-views.ts'

const day = 24 * 3600 * 1000
const now = 1000 * day
const held = (
  kind: ToldCertificate['kind'],
  name: string,
  names: string[],
  more: Partial<ToldCertificate> = {},
): ToldCertificate => ({
  ...{ kind, name, names, fingerprint: 'f', issuer: 'i', usable: true, from: now - day, until: now + 80 * day },
  ...more,
})
const trouble = (by: Trouble['by'], reason: string): Trouble => ({
  by,
  reason,
  at: now,
  failures: 1,
  retryAt: now + day,
})
const sets = [{ name: 'a.org', names: ['a.org', 'b.org'], wildcard: false }]
const view = (certificates: readonly ToldCertificate[], state?: SetState) =>
  viewCertificates({ sets, held: certificates, stateOf: () => state, now })
const farm = held('farm', 'a.org', ['a.org', 'b.org'])

test('one row for each set of names: what serves it, what it lacks, and why', () => {
  const [plain] = view([farm])
  assert.deepEqual([plain?.kind, plain?.state, plain?.names], ['farm', 'valid', ['a.org', 'b.org']])
  const state: SetState = { names: { 'b.org': trouble('names', 'it points elsewhere') }, ordered: [] }
  const [waits] = view([farm, held('acme', 'a.org', ['a.org'])], state)
  assert.deepEqual([waits?.kind, waits?.state, waits?.without?.map(({ name }) => name)], ['acme', 'waits', ['b.org']])
  const [failing] = view([farm, held('acme', 'a.org', ['a.org', 'b.org'])], {
    ...state,
    trouble: trouble('server', 'away'),
  })
  assert.deepEqual([failing?.state, failing?.failure?.reason, failing?.without], ['failing', 'away', undefined])
})

test('what people brought has rows of its own, and takes the set’s when it serves all of it', () => {
  const imported = (more: Partial<ToldCertificate> = {}) => held('imported', 'a.org', ['a.org', 'b.org'], more)
  assert.deepEqual(
    view([farm, imported()]).map(({ kind, state }) => [kind, state]),
    [['imported', 'valid']],
  )
  const states = [{ until: now + 5 * day }, { until: now }, { usable: false }].map((more) =>
    view([farm, imported(more)]),
  )
  assert.deepEqual(
    states.map((rows) => rows.map(({ kind, state }) => [kind, state])),
    [
      [['imported', 'ends-soon']],
      [
        ['imported', 'expired'],
        ['farm', 'valid'],
      ],
      [
        ['imported', 'lost'],
        ['farm', 'valid'],
      ],
    ],
  )
})

test('what needs somebody is told with the next command, and what is well is not', () => {
  const told = (rows: ReturnType<typeof view>) => certificateAttention(rows).map(({ what, why }) => `${what}: ${why}`)
  assert.deepEqual(told(view([farm])), [])
  const state: SetState = { names: { 'b.org': trouble('names', 'it points elsewhere') }, ordered: [] }
  assert.deepEqual(told(view([farm], state)), ['certificate a.org: b.org: it points elsewhere'])
  assert.deepEqual(told(view([farm], { ...state, trouble: trouble('server', 'away') })), [
    'certificate a.org: no new one came: away',
  ])
  const soon = view([held('imported', 'x.org', ['x.org'], { until: now + 5 * day })])
  assert.match(told(soon)[0] ?? '', /it ends on .* nobody renews it/)
})

test('a route is told why its name has no certificate of a public CA', () => {
  const state: SetState = { names: { 'b.org': trouble('names', 'it points elsewhere') }, ordered: [] }
  assert.deepEqual([...certificateReasons(view([farm], state))], [['b.org', 'it points elsewhere']])
  assert.deepEqual([...certificateReasons(view([farm]))], [])
  const away = certificateReasons(view([farm], { ...state, trouble: trouble('server', 'away') }))
  assert.deepEqual([away.get('a.org'), away.get('b.org')], ['away', 'it points elsewhere'])
})
