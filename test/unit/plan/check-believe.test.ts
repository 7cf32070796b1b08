/** One bad look is no alarm; two in a row are; one good look ends it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Finding } from '../../../src/api/resources.ts'
import { type Belief, believe, verdictOf } from '../../../src/plan/check/believe.ts'

type Verdict = Finding['verdict']
const finding = (verdict: Verdict): Finding => ({ check: 'http', verdict, evidence: verdict })

/** The verdicts that were believed, look by look. */
function story(...seen: Verdict[]): {
  believed: string
  belief: Belief | undefined
  writes: number
  doubts: boolean[]
} {
  let belief: Belief | undefined
  let last: Finding[] = []
  let writes = 0
  const doubts: boolean[] = []
  const told = seen.map((verdict, index) => {
    const now = [finding(verdict)]
    const next = believe(belief, { last, now }, `t${index}`)
    last = now
    doubts.push(next.doubt)
    if (next.changed) {
      belief = next.belief
      writes += 1
    }
    return verdictOf(belief?.findings ?? []) ?? '–'
  })
  return { believed: told.join(' '), belief, writes, doubts }
}

test('worse is believed when it was seen twice in a row, better at once', () => {
  assert.equal(story('ok', 'red', 'ok', 'red', 'ok').believed, 'ok ok ok ok ok')
  assert.equal(story('ok', 'red', 'red', 'ok').believed, 'ok ok red ok')
  assert.equal(story('ok', 'warn', 'red', 'red').believed, 'ok ok ok red')
  assert.equal(story('ok', 'red', 'warn', 'warn').believed, 'ok ok warn warn')
  assert.equal(story('ok', 'warn', 'warn', 'red', 'warn').believed, 'ok ok warn warn warn')
  assert.equal(story('red', 'red').believed, '– red')
})

test('what is in doubt is looked at again; what is as it was is not written', () => {
  const { writes, doubts, belief } = story('ok', 'ok', 'red', 'red', 'red', 'ok', 'ok')
  assert.deepEqual(doubts, [false, false, true, false, false, false, false])
  assert.equal(writes, 3)
  assert.deepEqual(
    belief?.changes.map(({ at, verdict }) => `${at} ${verdict}`),
    ['t3 red', 't5 ok'],
  )
})

test('fifty changes are kept', () => {
  const { belief } = story(...Array.from({ length: 90 }, (): Verdict[] => ['red', 'red', 'ok']).flat())
  assert.deepEqual([belief?.changes.length, belief?.changes.at(-1)?.at], [50, 't269'])
})

test('a check that a route has no more is forgotten', () => {
  const before = { findings: [finding('red'), { ...finding('ok'), check: 'tls' }], changes: [] }
  const next = believe(before, { last: [], now: [finding('red')] }, 't')
  assert.deepEqual([next.changed, next.belief.findings.length], [true, 1])
})

test('in any sequence: what is believed is never worse than both of the last two looks', () => {
  const weight = { ok: 0, warn: 1, red: 2 } as const
  const all: Verdict[] = ['ok', 'warn', 'red']
  for (let number = 0; number < 3 ** 7; number++) {
    const seen = Array.from({ length: 7 }, (_, place) => all[Math.floor(number / 3 ** place) % 3] ?? 'ok')
    const believed = story(...seen).believed.split(' ')
    for (const [index, verdict] of believed.entries()) {
      if (verdict === '–') continue
      const [now, last] = [weight[seen[index] ?? 'ok'], weight[seen[index - 1] ?? 'ok']]
      assert.ok(weight[verdict as Verdict] <= now, `${seen.join(' ')} → ${believed.join(' ')}`)
      if (now <= last) assert.equal(weight[verdict as Verdict], now, `${seen.join(' ')} → ${believed.join(' ')}`)
    }
  }
})
