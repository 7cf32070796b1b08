/** The edge and its certificates, as events. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SetState, Trouble } from '../../../src/plan/acme.ts'
import {
  type CertificateSeen,
  type Ending,
  tellAcme,
  tellCertificate,
  tellEdge,
  tellEnding,
} from '../../../src/plan/edge-events.ts'
import type { Told } from '../../../src/plan/events.ts'

const line = (events: readonly Told[]): string[] =>
  events.map(({ kind, name, event, reason, detail }) => [kind, name, event, reason ?? detail].filter(Boolean).join(' '))

test('a certificate that came, was renewed or went; the farm’s own are no news', () => {
  const seen = (more: Partial<CertificateSeen> = {}): CertificateSeen => ({
    ...{ kind: 'acme', fingerprint: 'f1', expires: '2027-01-01T00:00:00.000Z', issuer: 'CA', at: 't' },
    ...more,
  })
  const of = (before: CertificateSeen | undefined, after: CertificateSeen | undefined) =>
    line(tellCertificate('a.org', before, after))
  const until = 'by CA, until 2027-01-01T00:00:00.000Z'
  assert.deepEqual(of(undefined, seen()), [`certificate a.org issued ${until}`])
  assert.deepEqual(of(seen(), seen({ fingerprint: 'f2' })), [`certificate a.org renewed ${until}`])
  assert.deepEqual(of(seen(), seen({ at: 'later' })), [], 'written anew as it is')
  assert.deepEqual(of(undefined, seen({ kind: 'imported' })), [`certificate a.org imported ${until}`])
  assert.deepEqual(of(seen({ kind: 'imported' }), undefined), ['certificate a.org removed'])
  for (const kind of ['farm', 'x']) assert.deepEqual(of(undefined, seen({ kind })), [])
})

test('what a server refused is told once for each reason', () => {
  const trouble = (reason: string, by: Trouble['by'] = 'server'): Trouble => ({
    ...{ reason, by, at: 0, failures: 1, retryAt: 1 },
  })
  const state = (more: Partial<SetState>): SetState => ({ names: {}, ordered: [], ...more })
  const of = (before: SetState | undefined, after: SetState | undefined) => line(tellAcme('a.org', before, after))
  const away = state({ trouble: trouble('away') })
  assert.deepEqual(of(undefined, away), ['certificate a.org failed away'])
  assert.deepEqual(of(away, state({ trouble: { ...trouble('away'), failures: 9 } })), [])
  assert.deepEqual(of(away, state({ trouble: trouble('full') })), ['certificate a.org failed full'])
  assert.deepEqual(of(away, state({})), [])
  const names = { 'b.org': trouble('CAA'), 'c.org': trouble('points elsewhere', 'names') }
  assert.deepEqual(of(undefined, state({ names })), ['certificate a.org failed b.org: CAA'])
  assert.deepEqual(of(away, undefined), [])
})

test('one that nobody renews is told before it ends, and when it has', () => {
  const ending = (state: Ending['state'], expires = 'e'): Ending => ({ name: 'a.org', state, expires, at: 't' })
  assert.deepEqual(line(tellEnding(undefined, ending('ends-soon'))), ['certificate a.org expiring until e'])
  assert.deepEqual(line(tellEnding(ending('ends-soon'), ending('ends-soon'))), [])
  assert.deepEqual(line(tellEnding(ending('ends-soon'), ending('expired'))), ['certificate a.org expired until e'])
  assert.deepEqual(line(tellEnding(ending('expired'), undefined)), [])
})

test('an edge that was killed, and is back; each time anew', () => {
  const at = (state: 'serves' | 'died', when: string) => ({ name: 'edge', state, at: when })
  assert.deepEqual(line(tellEdge('edge', undefined, at('died', '1'))), ['edge edge died'])
  assert.deepEqual(line(tellEdge('edge', at('died', '1'), at('serves', '2'))), ['edge edge back'])
  assert.deepEqual(line(tellEdge('edge', at('died', '1'), at('died', '3'))), ['edge edge died'])
  assert.deepEqual(line(tellEdge('edge', undefined, at('serves', '1'))), [])
})
