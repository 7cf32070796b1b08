/** What a site is, from what is seen of its instances. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { GuestState } from '../../../src/api/guest.ts'
import type { InstanceState } from '../../../src/api/site.ts'
import { type InstanceSeen, instanceState, type SiteSeen, siteState } from '../../../src/plan/site-state.ts'

const guestStates: readonly (GuestState | undefined)[] = [
  ...(['creating', 'starting', 'running', 'stopping', 'stopped', 'frozen', 'waits', 'failed', 'removing'] as const),
  undefined,
]
const members = ['starting', 'ready', 'draining', 'retiring', undefined] as const
const seen = (more: Partial<InstanceSeen> = {}): InstanceSeen => ({
  ...{ name: 'shop/prod/1', number: 7, release: 'shop:v1', host: 'ash', ipv4: '10.100.0.7', created: '' },
  ...{ deleting: false, guest: 'running', member: 'ready', ...more },
})

test('only a guest that runs and was let in is ready, whatever else is believed', () => {
  for (const guest of guestStates)
    for (const member of members)
      for (const deleting of [false, true]) {
        const { state } = instanceState(seen({ guest, member, deleting }))
        assert.equal(state === 'ready', guest === 'running' && member === 'ready' && !deleting)
        if (deleting) assert.equal(state, 'retiring')
      }
})

test('an instance that ought to answer and cannot says why', () => {
  assert.deepEqual(instanceState(seen({ guest: 'stopped' })), { state: 'unhealthy', reason: 'its guest is stopped' })
  assert.deepEqual(instanceState(seen({ guest: 'failed', reason: 'no init' })), {
    state: 'unhealthy',
    reason: 'no init',
  })
  assert.deepEqual(instanceState(seen({ guest: 'stopped', member: undefined })), { state: 'stopped' })
})

test('of an instance whose host is away nothing is known, whatever was heard of it last', () => {
  const away = { state: 'away', reason: 'host ash is away' } as const
  for (const member of ['starting', 'ready', 'draining', undefined] as const)
    assert.deepEqual(instanceState(seen({ member, away: true })), away)
  assert.equal(instanceState(seen({ deleting: true, away: true })).state, 'retiring')
  const reason = '0 of 2 instances answer; host ash is away'
  assert.deepEqual(site(['away', 'away'], { away: ['ash'] }), { state: 'away', reason })
  assert.equal(site(['away', 'ready'], { away: ['ash'] }).state, 'degraded')
  assert.equal(site(['away', 'unhealthy'], { away: ['ash'] }).state, 'down')
  assert.equal(site(['away', 'ready', 'ready'], { away: ['ash'] }).state, 'serves')
  assert.match(site(['away', 'away'], { away: ['ash', 'birch'] }).reason ?? '', /; hosts ash, birch are away$/)
})

const site = (instances: readonly InstanceState[], more: Partial<SiteSeen> = {}) =>
  siteState({ run: 'running', release: 'shop:v1', deleting: false, count: 2, instances, rollout: null, ...more })

test('a site serves when as many are ready as there shall be', () => {
  assert.deepEqual(site(['ready', 'ready']), { state: 'serves' })
  assert.deepEqual(site(['ready', 'ready', 'draining']), { state: 'serves' })
  assert.deepEqual(site(['ready', 'unhealthy']), { state: 'degraded', reason: '1 of 2 instances answer' })
  assert.deepEqual(site(['starting']), { state: 'down', reason: '0 of 2 instances answer' })
  assert.deepEqual(site([], { release: null }), { state: 'empty' })
  assert.deepEqual(site([], { run: 'stopped' }), { state: 'stopped' })
  assert.deepEqual(site(['ready'], { deleting: true }), { state: 'removing' })
})

test('while it is deployed it says so, and why the last deploy failed stays to be read', () => {
  const rollout = (state: string, reason?: string) => ({ state, to: 'shop:v2', reason })
  assert.deepEqual(site(['ready'], { rollout: rollout('running') }), { state: 'deploying' })
  const reason = 'the deploy of shop:v2 failed: GET /up answered 500'
  const failed = rollout('failed', 'GET /up answered 500')
  assert.deepEqual(site(['ready', 'ready'], { rollout: failed }), { state: 'serves', reason })
  assert.deepEqual(site(['ready'], { rollout: failed }).reason, `1 of 2 instances answer; ${reason}`)
  assert.deepEqual(site([], { release: null, rollout: failed }), { state: 'empty', reason })
  assert.deepEqual(site(['ready', 'ready'], { rollout: rollout('done') }), { state: 'serves' })
  const scaled = { ...failed, countBefore: 2, slots: { length: 4 } }
  assert.equal(
    site(['ready', 'ready'], { rollout: scaled }).reason,
    `the change from 2 to 4 instances failed: ${failed.reason}`,
  )
  const repaired = { ...failed, repair: true }
  assert.equal(site(['ready', 'ready'], { rollout: repaired }).reason, `making instances anew failed: ${failed.reason}`)
})
