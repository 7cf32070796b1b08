import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isPublic, judgeName, type NameFacts } from '../../../src/plan/public-names.ts'

const edges = ['203.0.113.10', '2001:db8::10']
const expected = { edges, isEdge: (address: string) => edges.includes(address), identities: ['ca.example'] }
const judge = (facts: Partial<NameFacts>) =>
  judgeName({ name: 'a.example', a: ['203.0.113.10'], aaaa: [], caa: [], ...facts }, expected)

test('each address of a name must be an edge, IPv6 as well', () => {
  assert.equal(judge({}).reason, undefined)
  assert.equal(judge({ aaaa: ['2001:db8::10'] }).reason, undefined)
  assert.equal(judge({ a: [], aaaa: ['2001:db8::10'] }).reason, undefined)
  assert.match(judge({ a: [] }).reason ?? '', /no address/)
  assert.match(judge({ a: ['198.51.100.7'] }).reason ?? '', /points to 198\.51\.100\.7, not to this edge \(203/)
  assert.match(judge({ aaaa: ['2001:db8::bad'] }).reason ?? '', /points to 2001:db8::bad, not/)
  assert.match(judge({ a: Array.from({ length: 9 }, (_, at) => `10.0.0.${at}`) }).reason ?? '', /and 6 more/)
})

test('nobody could tell is no answer', () => {
  for (const facts of [{ a: undefined }, { aaaa: undefined }, { caa: undefined }])
    assert.deepEqual(
      [
        judge({ ...facts, why: 'SERVFAIL' }).certain,
        /SERVFAIL/.test(judge({ ...facts, why: 'SERVFAIL' }).reason ?? ''),
      ],
      [false, true],
    )
})

test('CAA says who may issue', () => {
  const caa = (...entries: [string, string][]) => entries.map(([tag, value]) => ({ tag, value }))
  assert.equal(judge({ caa: caa(['issue', 'ca.example; validationmethods=http-01']) }).reason, undefined)
  assert.equal(judge({ caa: caa(['issue', 'other.example'], ['ISSUE', 'CA.example']) }).reason, undefined)
  assert.equal(judge({ caa: caa(['iodef', 'mailto:a@b'], ['issuewild', ';']) }).reason, undefined)
  assert.match(
    judge({ caa: caa(['issue', 'other.example']) }).reason ?? '',
    /lets only other\.example issue, not ca\.example/,
  )
  assert.match(judge({ caa: caa(['issue', ';']) }).reason ?? '', /lets only nobody/)
})

test('names of one’s own network are no matter for a public CA', () => {
  assert.deepEqual(
    ['a.org', '*.a.org', 'internal.org', 'web.meadow.internal', 'x.home.arpa', 'y.local'].filter(isPublic),
    ['a.org', '*.a.org', 'internal.org'],
  )
})
