import assert from 'node:assert/strict'
import { test } from 'node:test'
import { judgeEdge, parseListener } from '../../src/daemon/doctor/edge.ts'
import { routeAttention } from '../../src/plan/attention.ts'

test('whose the edge’s ports are, and what keeps it from serving', () => {
  const judged = (more: object) => judgeEdge({ routes: 2, troubles: [], others: [], ...more })
  assert.deepEqual(
    judged({ others: [{ port: 443, program: 'nginx' }], troubles: [{ why: 'cannot bind' }] }).map(
      ({ verdict, evidence }) => [verdict, evidence],
    ),
    [['red', 'port 443 of the host is used by nginx: the edge cannot serve there']],
  )
  assert.deepEqual(
    judged({ troubles: [{ why: 'cannot bind' }] }).map(({ evidence }) => evidence),
    ['cannot bind'],
  )
  assert.deepEqual(
    judged({}).map(({ verdict }) => verdict),
    ['ok'],
  )
  const stream = {
    why: 'the edge cannot hear at :5432',
    port: 5432,
    instead: 'give the route up: croft route rm :5432',
  }
  const away = { why: 'the edge cannot hear at 192.0.2.9:25', port: 25, instead: 'give it up' }
  assert.deepEqual(
    judged({ others: [{ port: 5432, program: 'postgres' }], troubles: [stream, away] }).map(({ evidence, mend }) => [
      evidence,
      mend,
    ]),
    [
      [
        'port 5432 of the host is used by postgres: the edge cannot serve there',
        'stop postgres, or give the route up: croft route rm :5432',
      ],
      ['the edge cannot hear at 192.0.2.9:25', 'give it up'],
    ],
  )
  assert.equal(parseListener('LISTEN 0 511 *:443 *:* users:(("nginx",pid=12,fd=6),("nginx",pid=13,fd=6))'), 'nginx')
  assert.equal(parseListener('LISTEN 0 511 *:443 *:*'), 'another program')
})

test('status tells of an edge in trouble once, and of routes without a target that no check tells of', () => {
  const routes = [
    { name: 'a.org', state: 'no-target', reason: 'its guest is gone' },
    { name: 'b.org', state: 'no-target' },
    { name: 'c.org', state: 'serves' },
  ]
  assert.deepEqual(
    routeAttention(routes, [{ why: 'cannot bind' }], new Set(['b.org'])).map(({ what, why }) => `${what}: ${why}`),
    ['edge: cannot bind', 'a.org: its guest is gone'],
  )
  assert.deepEqual(routeAttention([], [{ why: 'cannot bind' }], new Set()), [])
})
