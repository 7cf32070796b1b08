import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  againMs,
  dueAt,
  isLate,
  momentOf,
  planReplica,
  planTidy,
  type ReplicaView,
  replicaPass,
} from '../../../src/plan/replica.ts'
import { tellReplica } from '../../../src/plan/replica-events.ts'

const id = 'abcdef012345'
const pass = (at: number) => replicaPass(id, at)

interface Side {
  here: string[]
  there: string[]
  last: string | undefined
}

/** What two hosts with pools would have after the steps, until nothing is left to do. */
function walk(start: Side, view: Partial<ReplicaView> = {}): { steps: string[]; end: Side } {
  const side = structuredClone(start)
  const steps: string[] = []
  let due = view.due ?? true
  for (let round = 0; round < 20; round++) {
    const step = planReplica({
      ...{ id, template: 't', templateComes: false, snapshots: [], wanted: [], ...side },
      ...view,
      due,
    })
    if (!step) return { steps, end: side }
    steps.push(step.do)
    if (step.do === 'keep') side.last = step.id
    if (step.do === 'clear') {
      side.here = side.here.filter((disk) => !step.here.includes(disk))
      side.there = side.there.filter((disk) => !step.there.includes(disk))
    }
    if (step.do === 'send') side.there.push(step.id)
    if (step.do !== 'pass') continue
    side.last = pass(9000)
    side.here.push(side.last)
    side.there.push(side.last)
    due = false
  }
  return assert.fail(`no end: ${steps}`)
}

test('a pass tells its moment by its name, which is an id on a pool', () => {
  const at = Date.parse('2026-11-22T03:00:00Z')
  assert.equal(momentOf(pass(at)), at)
  assert.match(pass(at), /^[a-z0-9-]{8,40}$/)
})

test('from every mix of passes on both sides it ends with one on each, the guest’s own snapshots beside it', () => {
  const [old, newer, other] = [pass(1000), pass(2000), 'replica-ffffff012345-rs']
  const snapshots = [{ id: 'monday00', at: 500 }]
  const all = ['monday00', old, newer, other]
  const parts = (of: readonly string[]) =>
    [...Array(2 ** of.length).keys()].map((n) => of.filter((_, bit) => n & (1 << bit)))
  for (const here of parts(all).filter((set) => set.includes('monday00')))
    for (const there of parts([...all, 'gone0000']))
      for (const last of [undefined, old, newer])
        for (const due of [true, false]) {
          const { end, steps } = walk({ here, there, last }, { snapshots, wanted: ['monday00'], due })
          const told = `${here} | ${there} | ${last} | ${due}: ${steps}`
          const own = end.here.filter((disk) => disk.startsWith(`replica-${id}`))
          assert.ok(
            own.every((disk) => disk === end.last),
            told,
          )
          assert.ok(
            end.there.every((disk) => disk === end.last || disk === 'monday00'),
            told,
          )
          assert.equal(end.here.includes(other), here.includes(other), `of another replica: ${told}`)
          if (due) assert.ok(end.there.includes('monday00') && end.there.includes(end.last ?? ''), told)
        }
})

test('what is sent differs from the nearest before it, else from one after it, else from the template', () => {
  const snapshots = [
    { id: 'monday00', at: 500 },
    { id: 'friday00', at: 1500 },
  ]
  const last = pass(1000)
  const base = { id, template: 't', templateComes: false, snapshots, wanted: ['monday00', 'friday00'], due: true }
  const here = ['monday00', 'friday00', last]
  const parent = (there: string[], template: string | undefined = 't') => {
    const step = planReplica({ ...base, template, here, there, last })
    return step && 'parent' in step ? `${step.do} from ${step.parent?.id}` : step?.do
  }
  assert.equal(parent([]), 'send from t')
  assert.equal(planReplica({ ...base, template: undefined, here, there: [], last })?.do, 'send')
  assert.equal(parent([last]), `send from ${last}`)
  assert.equal(parent(['monday00']), 'send from monday00')
  assert.equal(parent(['monday00', last]), `send from ${last}`)
  assert.equal(parent(['monday00', 'friday00', last]), 'pass from friday00')
  assert.equal(planReplica({ ...base, templateComes: true, here, there: [], last })?.do, 'await')
})

test('what a host has lost stays where its replica is', () => {
  const last = pass(1000)
  const { end } = walk({ here: [last], there: ['monday00', last], last }, { wanted: ['monday00'], due: false })
  assert.deepEqual(end.there, ['monday00', last])
})

test('when the next is due, also when the clock was set', () => {
  const every = { everyMs: 300_000, askedAt: 0 }
  assert.equal(dueAt({ ...every, lastAt: undefined }, 7), 7)
  assert.equal(dueAt({ ...every, lastAt: 1000 }, 5000), 301_000)
  assert.equal(dueAt({ ...every, lastAt: 900_000 }, 5000), 5000, 'it went back')
  assert.equal(dueAt({ everyMs: null, askedAt: 0, lastAt: 1000 }, 5000), Number.POSITIVE_INFINITY)
  assert.equal(dueAt({ everyMs: null, askedAt: 2000, lastAt: 1000 }, 5000), 5000, 'asked for anew')
})

test('late is who missed one; a copy never is', () => {
  const of = (everyMs: number | null, lastAt: number | undefined) => ({ everyMs, askedAt: 0, lastAt })
  assert.equal(isLate(of(60_000, 0), 149_000), false)
  assert.equal(isLate(of(60_000, 0), 151_000), true)
  assert.equal(isLate(of(null, 0), 1e12), false)
  assert.equal(isLate(of(60_000, undefined), 1e12), false)
})

test('it is tried again later and later, but no later than it is due', () => {
  assert.deepEqual(
    [1, 2, 3, 40].map((failures) => againMs(failures, null)),
    [5000, 10_000, 20_000, 300_000],
  )
  assert.equal(againMs(9, 10_000), 10_000)
  assert.deepEqual(
    [1, 2, 40].map((failures) => againMs(failures, 10_000, true)),
    [300_000, 600_000, 3_600_000],
    'what did not fit is dear',
  )
})

test('a replica ends on both hosts, whoever of them is there: the guest’s host first, the record last', () => {
  const flags = [true, false]
  for (const guestLives of flags)
    for (const source of flags)
      for (const target of flags) {
        let record: { deleting: boolean; cleared: boolean } | undefined = { deleting: true, cleared: false }
        const done: string[] = []
        for (let round = 0; round < 6 && record; round++)
          for (const side of ['source', 'target'] as const) {
            if (!record || !(side === 'source' ? source : target)) continue
            const otherLives = side === 'source' ? target : source
            const step = planTidy({ side, ...record, guestLives, otherLives })
            if (step === undefined) continue
            done.push(step)
            if (step === 'mark') record.deleting = true
            else if (step === 'clearPasses') record.cleared = true
            else record = undefined
          }
        const told = `guest ${guestLives}, source ${source}, target ${target}: ${done}`
        assert.equal(record === undefined, source || target, told)
        if (source && target && guestLives) assert.deepEqual(done, ['clearPasses', 'clearDisks'])
      }
  const living = { deleting: false, cleared: false, guestLives: true, otherLives: true }
  assert.equal(planTidy({ side: 'source', ...living }), undefined)
  assert.equal(planTidy({ side: 'target', ...living }), undefined)
  assert.equal(planTidy({ side: 'target', ...living, otherLives: false }), undefined, 'all that is left of a dead host')
  assert.equal(planTidy({ side: 'source', ...living, otherLives: false }), 'mark')
  for (const otherLives of [true, false]) {
    const gone = { ...living, otherLives, guestLives: false, guestMoved: true }
    assert.equal(planTidy({ side: 'target', ...gone }), 'follow', 'moved by who knows no replicas')
    assert.equal(planTidy({ side: 'target', ...gone, deleting: true }), 'clearDisks')
  }
})

test('each thing that happens to a replica is told once', () => {
  const at = '2026-01-02T03:04:05.000Z'
  const done = (moment: number) => ({ id: 'a', at, last: { disk: replicaPass(id, moment), bytes: 2048, tookMs: 1500 } })
  const tell = (...pair: Parameters<typeof tellReplica> extends [string, ...infer Pair] ? Pair : never) =>
    tellReplica('web', ...pair).map(({ event, detail, reason }) => [event, detail, reason])
  const whole = ['done', '2K in 1.5 s', undefined]
  assert.deepEqual(tellReplica('web', undefined, done(5)), [
    { kind: 'replica', name: 'web', event: 'done', at, detail: '2K in 1.5 s' },
  ])
  assert.deepEqual(tell(done(5), done(5)), [])
  assert.deepEqual(tell(done(5), done(6)), [whole])
  assert.deepEqual(tell(done(5), undefined), [])
  const failed = { ...done(5), failed: { message: 'no room' } }
  assert.deepEqual(tell(done(5), failed), [['failed', undefined, 'no room']])
  assert.deepEqual(tell(failed, failed), [])
  assert.deepEqual(tell(failed, { ...failed, failed: { message: 'away' } }), [['failed', undefined, 'away']])
  const late = { ...failed, late: true as const }
  assert.deepEqual(tell(failed, late), [['late', 'it is of 1970-01-01T00:00:00.005Z', 'no room']])
  assert.deepEqual(tell(late, late), [])
  assert.deepEqual(tell(late, done(9)), [whole])
  assert.deepEqual(tell(undefined, { ...done(5), turned: true }), [], 'it lay where the guest went')
  assert.deepEqual(tell({ ...done(5), id: 'b' }, done(5)), [whole], 'another one under that number')
})
