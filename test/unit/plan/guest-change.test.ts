import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isCode } from '../../../src/api/errors.ts'
import { type GuestAction, GuestChange, type GuestSpec } from '../../../src/api/guest.ts'
import { applyAction, applyChange, revertSpec } from '../../../src/plan/guest-change.ts'

const spec: GuestSpec = {
  ...{ run: 'running', stop: 'graceful', restarts: 3, template: 'debian:12', pool: 'default', network: 'default' },
  root: { id: 'root', from: { kind: 'template', id: 'template', ref: 'debian:12' } },
  limits: { memoryBytes: 100, cpus: 1, netRate: 5 },
  ...{ labels: { owner: 'lark' }, autostart: true, order: 0, ports: [], rules: [], keys: [] },
}
const small = { name: 'small', memoryBytes: 1, cpus: 2, diskBytes: 3, processes: 4 }

test('nothing named, nothing changed', () => {
  assert.deepEqual(applyChange(spec, {}, undefined), spec)
})

test('limits: named ones change, null takes one away, the rest stays', () => {
  assert.deepEqual(applyChange(spec, { memory: 7, netRate: null, disk: 9 }, undefined).limits, {
    ...{ memoryBytes: 7, cpus: 1, diskBytes: 9 },
  })
  for (const gone of ['', 'none', null]) {
    const change = GuestChange.parse({ cpu: gone })
    assert.ok(!('cpus' in applyChange(spec, change, undefined).limits), String(gone))
  }
  const { certificate, ...without } = applyChange(
    spec,
    GuestChange.parse({ certificate: 'Mail.Example.org.' }),
    undefined,
  )
  assert.equal(certificate, 'mail.example.org')
  assert.deepEqual(applyChange({ ...without, certificate }, { certificate: null }, undefined), spec)
})

test('a size sets its four limits; one given beside it wins; taking the size away keeps the limits', () => {
  const bound = { ...spec, mounts: [{ source: '/srv', target: '/srv', readOnly: true }] }
  assert.deepEqual(revertSpec(spec, bound, spec), spec, 'a folder of the host does not come back by it')
  assert.deepEqual(revertSpec(spec, { ...spec, certificate: 'a.org' }, spec), spec, 'nor does a private key')
  const sized = applyChange(spec, { size: 'small', cpu: 8 }, small)
  assert.equal(sized.size, 'small')
  assert.deepEqual(sized.limits, { memoryBytes: 1, cpus: 8, diskBytes: 3, processes: 4, netRate: 5 })
  const unsized = applyChange(sized, { size: null }, undefined)
  assert.ok(!('size' in unsized))
  assert.deepEqual(unsized.limits, sized.limits)
})

test('labels: set, replaced, taken away, in the order of their names', () => {
  const labels = applyChange(spec, { labels: { zone: 'b', owner: null, app: 'shop', empty: '' } }, undefined).labels
  assert.deepEqual(Object.entries(labels), [
    ['app', 'shop'],
    ['zone', 'b'],
  ])
})

test('a change never touches the disk, the run or the counters of a spec', () => {
  const { root, run, restarts, template, pool } = applyChange(spec, { size: 'small', order: 5, keys: [] }, small)
  assert.deepEqual(
    { root, run, restarts, template, pool },
    {
      ...{ root: spec.root, run: spec.run, restarts: 3, template: 'debian:12', pool: 'default' },
    },
  )
})

test('actions: what is wished after each, from each', () => {
  const after = (run: GuestSpec['run'], action: GuestAction['do']) => {
    const { run: now, stop, restarts } = applyAction({ ...spec, run }, action)
    return `${now} ${stop} ${restarts}`
  }
  for (const run of ['running', 'stopped', 'frozen'] as const) {
    assert.equal(after(run, 'stop'), 'stopped graceful 3')
    assert.equal(after(run, 'kill'), 'stopped kill 3')
    assert.equal(after(run, 'restart'), 'running graceful 4')
    assert.equal(after(run, 'start'), run === 'frozen' ? 'frozen graceful 3' : 'running graceful 3')
    assert.equal(after(run, 'unfreeze'), `${run === 'frozen' ? 'running' : run} graceful 3`)
  }
  assert.equal(after('running', 'freeze'), 'frozen graceful 3')
  assert.throws(() => after('stopped', 'freeze'), { code: 'NOT_RUNNING' })
})

test('a revert puts back what that change touched, each limit and label by itself, and nothing else', () => {
  const after = applyChange(spec, { memory: 7, disk: 9, labels: { owner: null, run: 'b' }, order: 5 }, undefined)
  const now: GuestSpec = {
    ...applyChange(after, { cpu: 4, labels: { later: 'x' } }, undefined),
    ...{ run: 'stopped', restarts: 9, root: { ...spec.root, id: 'other' } },
  }
  assert.deepEqual(revertSpec(now, spec, after), {
    ...now,
    ...{ limits: { memoryBytes: 100, cpus: 4, netRate: 5 }, labels: { owner: 'lark', later: 'x' }, order: 0 },
  })
  assert.deepEqual(revertSpec(revertSpec(now, spec, after), spec, after), revertSpec(now, spec, after), 'twice is once')
  assert.deepEqual(revertSpec(after, { ...spec, run: 'stopped', root: { ...spec.root, id: 'x' } }, spec), after)
  const sized = applyChange(spec, { size: 'small' }, small)
  assert.deepEqual(revertSpec(sized, spec, sized), spec)
})

test('a revert of what was set anew since is refused', () => {
  const after = applyChange(spec, { memory: 7 }, undefined)
  const now = applyChange(after, { memory: 8 }, undefined)
  assert.throws(
    () => revertSpec(now, spec, after),
    (thrown) => isCode(thrown, 'CHANGED_MEANWHILE') && /memoryBytes was set anew/.test(String(thrown)),
  )
})
