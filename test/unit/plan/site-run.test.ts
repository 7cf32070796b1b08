import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nextRunAction, type RunSight } from '../../../src/plan/site-run.ts'

type Seen = RunSight['members'][number]
const member = (name: string, more: Partial<Seen> = {}): Seen => ({
  ...{ name, slot: 1, state: 'ready', since: 0, guest: 'running', wished: 'running', health: { good: true }, open: 0 },
  ...more,
})
const sight = (members: readonly Seen[], more: Partial<RunSight> = {}): RunSight => ({
  ...{
    run: 'running',
    deleting: false,
    now: 1000,
    leaving: 0,
    drainMs: 500,
    repairInMs: 0,
    leaveInMs: 0,
    members,
    jobs: {},
  },
  ...more,
})
const waits = (settled: boolean) => ({ do: 'wait', forMs: 30_000, settled })

test('a site that runs: nothing to do, or asked again, started, made anew', () => {
  assert.deepEqual(nextRunAction(sight([member('a')])), waits(true))
  assert.deepEqual(nextRunAction(sight([member('a', { state: 'starting' })])), { do: 'register', members: ['a'] })
  assert.deepEqual(nextRunAction(sight([member('a', { state: 'draining' })])), { do: 'register', members: ['a'] })
  const unwell = member('a', { state: 'starting', health: { good: false, why: '500' } })
  assert.deepEqual(nextRunAction(sight([unwell])), waits(false))
  assert.deepEqual(nextRunAction(sight([member('a', { wished: 'stopped' })])), { do: 'run', members: ['a'] })
  for (const guest of ['failed', 'gone'] as const) {
    const lost = [member('a', { guest }), member('b')]
    assert.deepEqual(nextRunAction(sight(lost)), { do: 'repair', members: ['a'] })
    assert.deepEqual(nextRunAction(sight(lost, { repairInMs: 7 })), { do: 'wait', forMs: 7, settled: false })
  }
  assert.deepEqual(nextRunAction(sight([member('a', { guest: 'coming' })])), waits(false), 'its host starts it again')
})

test('a site that stops answers first, for a time', () => {
  const stopped = (members: readonly Seen[], more: Partial<RunSight> = {}) =>
    nextRunAction(sight(members, { run: 'stopped', ...more }))
  assert.deepEqual(stopped([member('a')]), { do: 'drain', members: ['a'] })
  const drains = member('a', { state: 'draining', open: 2, since: 800 })
  assert.deepEqual(stopped([drains]), { do: 'wait', forMs: 300, settled: false })
  assert.deepEqual(stopped([drains], { now: 9000 }), { do: 'halt', members: ['a'] })
  assert.deepEqual(stopped([{ ...drains, open: 0 }]), { do: 'halt', members: ['a'] })
  const halted = member('a', { state: 'starting', wished: 'stopped' })
  assert.deepEqual(stopped([halted]), waits(false))
  assert.deepEqual(stopped([{ ...halted, guest: 'coming' }]), waits(true))
})

test('a site that goes: its instances first, then all that is known of it', () => {
  const goes = (members: readonly Seen[], leaving = 0) => nextRunAction(sight(members, { deleting: true, leaving }))
  assert.deepEqual(goes([member('a')]), { do: 'drain', members: ['a'] })
  assert.deepEqual(goes([member('a', { state: 'draining' })]), { do: 'remove', members: ['a'] })
  assert.deepEqual(goes([], 1), waits(false))
  assert.deepEqual(goes([]), { do: 'forget' })
})
