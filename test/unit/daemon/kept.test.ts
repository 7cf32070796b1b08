import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { findKept, type KeptPlan, keepPlan, loadKept, readOnlyDisks } from '../../../src/daemon/host/kept.ts'
import { keys } from '../../../src/daemon/records/keys.ts'
import type { FarmRecord, GuestRecord, HostRecord } from '../../../src/daemon/records/records.ts'
import type { Storage } from '../../../src/drivers/storage/driver.ts'
import { createMemoryStore } from '../../../src/store/memory/index.ts'

const farm: FarmRecord = {
  ...{ schema: 1, name: 'meadow', id: 'f1', created: '2026-01-01T00:00:00.000Z' },
  ...{ prefix4: '10.100.0.0/16', prefix6: 'fd00::/64', keys: [] },
}
const host: HostRecord = { schema: 1, name: 'ash', number: 1, uidBase: 1879048192 }
const guest = (number: number, more: object = {}): GuestRecord =>
  ({ schema: 1, name: `g${number}`, number, spec: { run: 'running', restarts: 2 }, ...more }) as unknown as GuestRecord
const memory = () => createMemoryStore({ now: () => 0 })
const log = { info() {}, warn() {}, error() {} }
/** Timers never come: only the end writes. */
const env = { later: () => ({ [Symbol.dispose]() {} }) } as never

test('the kept file is current, for root alone, and readable again', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'croft-kept-'))
  const file = join(folder, 'kept-plan.json')
  try {
    const store = memory()
    const keeper = keepPlan({ store, farm, host, env, log }, file)
    await store.transact([], [{ put: keys.guest('ash', 1), value: guest(1) }])
    await store.transact([], [{ put: keys.guestStatus('ash', 1), value: { state: 'running', rootId: 'r1' } }])
    await store.transact([], [{ put: keys.guest('ash', 2), value: guest(2) }])
    await store.transact([], [{ delete: keys.guest('ash', 2) }])
    await new Promise(setImmediate)
    assert.deepEqual(Object.keys(keeper.plan().statuses), ['1'])
    await keeper.close()
    const kept = await findKept(file)
    assert.deepEqual([kept?.farm.id, kept?.guests.map(({ name }) => name)], ['f1', ['g1']])
    assert.equal((await stat(file)).mode & 0o777, 0o600)
    await writeFile(file, '{"schema":1,')
    assert.equal(await findKept(file), undefined, 'half a file is no plan')
    assert.equal(await findKept(join(folder, 'none')), undefined)
  } finally {
    await rm(folder, { recursive: true })
  }
})

test('a plan that could not be written is written later, without another change', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'croft-kept-'))
  const file = join(folder, 'full', 'kept-plan.json')
  const timers: (() => void)[] = []
  const later = (_ms: number, run: () => void) => {
    timers.push(run)
    return { [Symbol.dispose]() {} }
  }
  const failed = Promise.withResolvers<void>()
  try {
    const store = memory()
    const source = { store, farm, host, env: { later } as never, log: { ...log, warn: () => failed.resolve() } }
    const keeper = keepPlan(source, file)
    await store.transact([], [{ put: keys.guest('ash', 1), value: guest(1) }])
    await new Promise(setImmediate)
    timers.splice(0).forEach((run) => void run())
    await failed.promise
    await mkdir(join(folder, 'full'))
    await new Promise(setImmediate)
    assert.equal(timers.length, 1)
    timers[0]?.()
    while (!(await findKept(file))) await new Promise(setImmediate)
    assert.equal((await findKept(file))?.guests.length, 1)
    await keeper.close()
  } finally {
    await rm(folder, { recursive: true })
  }
})

test('loaded: no guest on its way out, and no restart that was asked for', async () => {
  const store = memory()
  const status = { state: 'running', generation: 1, since: '', rootId: 'r1', restarts: 1 } as const
  const kept: KeptPlan = {
    ...{ schema: 1, farm, host, pools: [] },
    guests: [guest(1), guest(2, { deleting: true })],
    statuses: { 1: status, 2: status },
  }
  await loadKept(store, kept)
  const { entries } = await store.list(keys.guests('ash'))
  assert.deepEqual(
    entries.map(({ key }) => key),
    [keys.guest('ash', 1)],
  )
  const { entry } = await store.get(keys.guestStatus('ash', 1))
  assert.equal((entry?.value as { restarts: number } | undefined)?.restarts, 2)
})

test('disks are looked at and not touched', async () => {
  const real = new Proxy({} as Storage, { get: () => () => assert.fail('touched'), ownKeys: () => [] })
  const disks = readOnlyDisks(real)
  const ref = { kind: 'root', number: 1, id: 'r1' } as const
  for (const work of [() => disks.clone(ref, ref, { readOnly: false }), () => disks.remove(ref), () => disks.destroy()])
    await assert.rejects(work, { code: 'REFUSED' })
  await disks.writeManifest({ guest: 1 }, {})
})

test('of several hosts the way to the others is kept, and whom names and rules mean there', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'croft-kept-'))
  const file = join(folder, 'kept-plan.json')
  try {
    const store = memory()
    const birch: HostRecord = { ...host, name: 'birch', number: 2 }
    const keeper = keepPlan({ store, farm, host, env, log }, file)
    await store.transact([], [{ put: keys.host('ash'), value: host }])
    await new Promise(setImmediate)
    assert.equal(keeper.plan().others, undefined)
    const blocks = { schema: 1, taken: { 0: 'ash', 1: 'birch' } }
    const far = guest(300, { host: 'birch', spec: { run: 'running', rules: [{ peer: 'x' }], ports: [] } })
    await store.transact(
      [],
      [
        { put: keys.host('birch'), value: birch },
        { put: keys.blocks, value: blocks },
      ],
    )
    await store.transact([], [{ put: keys.guest('birch', 300), value: far }])
    await new Promise(setImmediate)
    await keeper.close()
    const kept = await findKept(file)
    assert.ok(kept)
    assert.deepEqual(kept.guests, [], 'they are no guests of this host')
    const next = memory()
    await loadKept(next, kept)
    const { value } = (await next.get(keys.guest('birch', 300))).entry ?? {}
    assert.deepEqual((value as GuestRecord).spec.rules, [], 'nobody here asks after those')
    assert.deepEqual((await next.get(keys.blocks)).entry?.value, blocks)
    assert.equal((await next.list(keys.hosts)).entries.length, 2)
  } finally {
    await rm(folder, { recursive: true })
  }
})
