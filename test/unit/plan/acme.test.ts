import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  afterIssue,
  afterLook,
  afterRefusal,
  atOnce,
  backOffMs,
  chooseNames,
  dueAt,
  findOrder,
  freshState,
  type Moment,
  paceMs,
  type SetState,
  type Settling,
  settle,
  type Verdict,
} from '../../../src/plan/acme.ts'
import type { HeldCertificate } from '../../../src/plan/certificate-sets.ts'

const minute = 60_000
const day = 24 * 3600 * 1000
const now = 1000 * day
const at = (more: Partial<Moment> = {}): Moment => ({ now, chance: 0.5, ...more })
const acme = (names: string[], from = now - 10 * day, until = now + 80 * day): HeldCertificate => ({
  kind: 'acme',
  names,
  from,
  until,
})
const settling = (...held: HeldCertificate[]): Settling => settle(held, () => true, now)
const fine = (name: string): Verdict => ({ name, certain: true })
const elsewhere = (name: string): Verdict => ({ name, certain: true, reason: 'it points elsewhere' })
const unknown = (name: string): Verdict => ({ name, certain: false, reason: 'no answer' })
const order = { directory: 'd', names: ['a', 'b'], key: 'sealed', begun: now, url: 'u' }

test('due at once without a certificate, at two thirds of its life with one, and not before its back-off', () => {
  assert.equal(dueAt(['a'], freshState, settling(), now), 0)
  assert.equal(dueAt(['a', 'b'], freshState, settling(acme(['a'])), now), 0)
  assert.equal(dueAt(['a'], freshState, settling(acme(['a'])), now), now + 50 * day)
  const failed = afterRefusal({ ...freshState, order }, { reason: 'no', names: [], later: false }, at())
  assert.equal(dueAt(['a'], failed, settling(), now), now + minute)
  assert.equal(dueAt(['a'], atOnce(failed), settling(), now), 0)
})

test('a certificate that is due when it comes is not asked for without end', () => {
  const late = acme(['a'], now - 90 * day, now + day)
  const ordered = { ...freshState, ordered: [now - minute] }
  assert.equal(dueAt(['a'], ordered, settling(late), now), now - minute + 180 * minute)
  assert.equal(dueAt(['a', 'b'], ordered, settling(late), now), 0, 'a name without one does not wait for that')
  assert.ok(dueAt(['a'], freshState, settling(late), now) <= now)
  assert.ok(dueAt(['a'], freshState, settling(acme(['a'], now + minute)), now) > now, 'the server’s clock goes ahead')
})

test('what another server gave, and what has ended, settles nothing; what people gave settles until its end', () => {
  const certificate = acme(['a'])
  assert.equal(settle([certificate], () => false, now).until('a'), 0)
  assert.equal(settling(acme(['a'], 0, now)).until('a'), 0)
  assert.equal(settling({ ...certificate, kind: 'imported' }).until('a'), certificate.until)
  assert.equal(settling({ ...certificate, kind: 'farm' }).until('a'), 0)
})

test('names that point here are ordered together; the others are left out with the reason', () => {
  const verdicts = [fine('a'), elsewhere('b'), fine('c')]
  assert.deepEqual(chooseNames(verdicts, freshState, settling(), now), { order: ['a', 'c'] })
  assert.deepEqual(chooseNames(verdicts, freshState, settling(acme(['a', 'c'])), now), { order: [] })
  assert.deepEqual(chooseNames(verdicts, freshState, settling(acme(['a'])), now), { order: ['a', 'c'] })
  const state = afterLook(freshState, verdicts, at())
  assert.equal(state.names.b?.reason, 'it points elsewhere')
  assert.equal(dueAt(['a', 'b', 'c'], state, settling(acme(['a', 'c'])), now), now + minute)
  assert.deepEqual(afterLook(state, [fine('a'), fine('b')], at()).names, {})
})

test('a name server that is away takes no name out of a certificate, until that is about to end', () => {
  const old = acme(['a', 'b'], now - 70 * day, now + 20 * day)
  assert.deepEqual(chooseNames([fine('a'), unknown('b')], freshState, settling(old), now), {
    postponed: 'b: no answer',
  })
  assert.deepEqual(chooseNames([fine('a'), elsewhere('b')], freshState, settling(old), now), { order: ['a'] })
  assert.deepEqual(chooseNames([fine('a'), unknown('b')], freshState, settling(old), now + 10 * day), { order: ['a'] })
  assert.deepEqual(chooseNames([fine('a'), unknown('b')], freshState, settling(), now), { order: ['a'] })
})

test('a name that the server refused waits, the others go on without it, and it comes back in its time', () => {
  const state = afterRefusal(
    { ...freshState, order },
    { reason: 'x', names: [{ name: 'b', reason: '404' }], later: false },
    at(),
  )
  assert.deepEqual([state.order, state.trouble], [undefined, undefined])
  assert.equal(dueAt(['a', 'b'], state, settling(), now), 0)
  const looked = afterLook(state, [fine('a'), fine('b')], at())
  assert.deepEqual(chooseNames([fine('a'), fine('b')], looked, settling(), now), { order: ['a'] })
  assert.equal(dueAt(['a', 'b'], looked, settling(acme(['a'])), now), now + minute)
  assert.deepEqual(chooseNames([fine('a'), fine('b')], looked, settling(acme(['a'])), now + minute), {
    order: ['a', 'b'],
  })
  assert.deepEqual(afterIssue({ ...looked, order }), { names: {}, ordered: [] })
})

test('a server in trouble: all wait, as long as it says, and the order is gone on with', () => {
  const refusal = { reason: 'too many', names: [], later: true, retryAfterMs: 3 * 3600_000 }
  const state = afterRefusal({ ...freshState, order }, refusal, at())
  assert.equal(dueAt(['a', 'b'], state, settling(), now), now + 3 * 3600_000)
  assert.equal(findOrder(state, { directory: 'd', names: ['a', 'b'] }, now + minute), order)
  assert.equal(findOrder(state, { directory: 'other', names: ['a', 'b'] }, now), undefined)
  assert.equal(findOrder(state, { directory: 'd', names: ['a'] }, now), undefined)
  assert.equal(findOrder(state, { directory: 'd', names: ['a', 'b'] }, now + 7 * day), undefined)
  const endless = afterRefusal({ ...freshState, order }, { ...refusal, retryAfterMs: 1e15 }, at())
  assert.equal(endless.trouble?.retryAt, now + 7 * day)
})

test('back-off: 1, 2, 4 … minutes, never more than 12 hours, never all at one moment', () => {
  assert.deepEqual(
    [1, 2, 3, 4].map((count) => backOffMs(count, 0.5) / minute),
    [1, 2, 4, 8],
  )
  fc.assert(
    fc.property(fc.nat(), fc.double({ min: 0, max: 1, noNaN: true }), (failures, chance) => {
      const ms = backOffMs(failures, chance)
      assert.ok(ms >= 0.9 * minute && ms <= 1.1 * 12 * 60 * minute)
      assert.ok(backOffMs(failures + 1, chance) >= ms)
    }),
  )
})

test('no more orders than the CA takes, whatever the sets are', () => {
  const made = (count: number, when: number): SetState => ({ ...freshState, ordered: Array(count).fill(when) })
  assert.equal(paceMs([made(249, now)], now), 0)
  assert.equal(paceMs([made(100, now - 60 * minute), made(150, now)], now), 120 * minute)
  assert.equal(paceMs([made(250, now - 180 * minute)], now), 0)
})

test('from every state a pass that gets its certificate comes to rest, and one that does not is not tried again at once', () => {
  const name = fc.constantFrom('a', 'b', 'c')
  const verdict = fc.record({ name, certain: fc.boolean(), reason: fc.option(fc.constant('no'), { nil: undefined }) })
  const states = fc.array(fc.tuple(name, fc.boolean(), fc.boolean()), { maxLength: 4 })
  fc.assert(
    fc.property(fc.uniqueArray(verdict, { selector: (each) => each.name, minLength: 1 }), states, (said, past) => {
      const verdicts = said.map(
        ({ reason, ...rest }): Verdict => (reason === undefined ? { ...rest, certain: true } : { ...rest, reason }),
      )
      const names = verdicts.map((each) => each.name)
      let state: SetState = freshState
      for (const [which, later, blame] of past)
        state = afterRefusal(
          { ...state, order: { ...order, names } },
          { reason: 'r', names: blame ? [{ name: which, reason: 'r' }] : [], later },
          at(),
        )
      state = afterLook(state, verdicts, at())
      const choice = chooseNames(verdicts, state, settling(), now)
      assert.ok('order' in choice)
      for (const each of choice.order) assert.equal(verdicts.find((one) => one.name === each)?.reason, undefined)
      if (choice.order.length > 0) state = afterIssue({ ...state, order: { ...order, names: choice.order } })
      const due = dueAt(names, state, settling(...(choice.order.length > 0 ? [acme([...choice.order])] : [])), now)
      assert.ok(due > now, JSON.stringify({ choice, state }))
    }),
  )
})
