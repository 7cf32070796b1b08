import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { GuestSpec, GuestStatus } from '../../../src/api/guest.ts'
import {
  type GuestWish,
  tellGuest,
  tellGuestStatus,
  tellHook,
  tellOperation,
  tellSnapshot,
  tellTemplateStatus,
} from '../../../src/plan/events.ts'

const spec = { run: 'running', restarts: 0, template: 'debian:12', limits: {}, labels: {} } as unknown as GuestSpec
const wish = (more: Partial<GuestWish> = {}): GuestWish => ({ name: 'web', created: 't', spec, ...more })
const events = (told: readonly { event: string }[]): string => told.map(({ event }) => event).join(' ')

test('a wish tells that it came, changed, was renamed and goes', () => {
  const changed = (more: object) => tellGuest(wish(), wish({ spec: { ...spec, ...more } }))
  assert.equal(events(tellGuest(undefined, wish())), 'created')
  assert.equal(events(tellGuest(wish(), wish({ name: 'shop' }))), 'renamed')
  assert.equal(events(tellGuest(wish(), wish({ deleting: true }))), 'removing')
  assert.equal(events(tellGuest(wish({ deleting: true }), undefined)), 'removed')
  assert.deepEqual(changed({ limits: { cpus: 1 }, root: { id: 'b' }, size: 'tiny' })[0]?.detail, 'limits, disk, size')
  assert.deepEqual(changed({ run: 'stopped', stop: 'kill', restarts: 1 }), [], 'what comes of it is told by the status')
  assert.deepEqual(tellGuest(undefined, undefined), [])
})

const status = (state: GuestStatus['state'], more: Partial<GuestStatus> = {}): GuestStatus => ({
  ...{ state, generation: 1, since: '1', restarts: 0 },
  ...(state === 'running' || state === 'frozen' ? { startedAt: '1' } : {}),
  ...more,
})

test('what a guest goes through, from each state to the next', () => {
  const cases: [GuestStatus | undefined, GuestStatus | undefined, string][] = [
    [undefined, status('running'), 'started'],
    [undefined, status('frozen'), 'started frozen'],
    [undefined, status('stopped'), ''],
    [status('stopped'), status('running'), 'started'],
    [status('running'), status('stopped'), 'stopped'],
    [status('running'), status('running', { generation: 2 }), ''],
    [status('running'), status('running', { startedAt: '2' }), 'died started'],
    [status('running'), status('running', { startedAt: '2', restarts: 1 }), 'stopped started'],
    [status('running'), status('running', { startedAt: '2', generation: 2 }), 'stopped started'],
    [status('running'), status('frozen'), 'frozen'],
    [status('frozen'), status('running'), 'unfrozen'],
    [status('frozen'), status('frozen', { startedAt: '2' }), 'died started frozen'],
    [status('frozen'), status('stopped'), 'stopped'],
    [status('running'), status('waits', { failures: 1, reason: 'no' }), 'failed'],
    [status('waits', { failures: 1 }), status('waits', { failures: 2 }), 'failed'],
    [status('waits', { failures: 2 }), status('waits', { failures: 2 }), ''],
    [status('waits', { failures: 4 }), status('failed', { failures: 5 }), 'gave-up'],
    [status('failed'), status('running'), 'started'],
    [status('failed'), status('stopped'), 'stopped'],
    [status('running'), undefined, ''],
  ]
  for (const [before, after, told] of cases)
    assert.equal(events(tellGuestStatus('web', before, after)), told, `${before?.state} → ${after?.state}`)
})

test('of a reason the first line is told, and not more than a line', () => {
  const [told] = tellGuestStatus('web', undefined, status('waits', { reason: `no disk\nlxc: ${'x'.repeat(9000)}` }))
  assert.equal(told?.reason, 'no disk')
  const [long] = tellGuestStatus('web', undefined, status('waits', { reason: 'x'.repeat(9000) }))
  assert.equal(long?.reason?.length, 500)
})

test('snapshots, templates, operations and hooks', () => {
  const op = { id: 'o1', verb: 'stop', target: { kind: 'guest', name: 'web' }, by: 'root', created: '1' } as const
  const running = { ...op, state: 'running' } as const
  const failed = { ...op, state: 'failed', finished: '2', error: { code: 'FAILED', message: 'no\nmore' } } as const
  assert.equal(events(tellSnapshot('web@a', undefined, { state: 'ready', at: '1' })), 'taken')
  assert.equal(events(tellSnapshot('web@a', { state: 'ready', at: '1' }, { state: 'lost', at: '2' })), 'lost')
  assert.equal(events(tellSnapshot('web@a', { state: 'lost', at: '1' }, undefined)), 'removed')
  assert.equal(events(tellTemplateStatus('d:12', undefined, { state: 'ready', at: '1' })), 'built')
  assert.equal(events(tellTemplateStatus('d:12', { state: 'ready', at: '1' }, { state: 'ready', at: '2' })), '')
  assert.deepEqual(tellOperation(undefined, running), [
    { kind: 'op', name: 'o1', event: 'started', at: '1', by: 'root', detail: 'stop web' },
  ])
  assert.deepEqual(tellOperation(running, failed), [
    { kind: 'op', name: 'o1', event: 'failed', at: '2', by: 'root', reason: 'no', detail: 'stop web' },
  ])
  assert.deepEqual(tellOperation(failed, undefined), [])
  const hook = { at: '1', event: 'guest.died' }
  assert.equal(events(tellHook('mail', undefined, { ...hook, state: 'failed', reason: 'exit 1' })), 'failed')
  assert.equal(events(tellHook('mail', { ...hook, state: 'failed' }, { ...hook, state: 'ok' })), 'mended')
})
