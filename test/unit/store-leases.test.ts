import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Leases } from '../../src/store/local/leases.ts'
import { createMemoryStore } from '../../src/store/memory/index.ts'

describe('leases', () => {
  function start() {
    const clock = { ms: 10_000 }
    const leases = new Leases({ now: () => clock.ms, kept: [{ id: 'kept', ttlMs: 500 }], look: () => {} })
    leases.add({ id: 'a', ttlMs: 100 })
    return { clock, leases }
  }

  it('end at their time, not before', () => {
    const { clock, leases } = start()
    clock.ms += 99
    assert.deepEqual(leases.due(), [])
    clock.ms += 1
    assert.deepEqual(leases.due(), ['a'])
    assert.deepEqual(leases.due(), ['a'])
    leases.remove(['a'])
    assert.deepEqual(leases.due(), [])
    clock.ms += 400
    assert.deepEqual(leases.due(), ['kept'])
    leases.close()
  })

  it('do not end early, nor live longer than was seen, when the clock is set back', () => {
    const { clock, leases } = start()
    clock.ms += 60
    assert.deepEqual(leases.due(), [])
    clock.ms -= 9_000
    assert.deepEqual(leases.due(), [])
    clock.ms += 39
    assert.deepEqual(leases.due(), [])
    clock.ms += 1
    assert.deepEqual(leases.due(), ['a'])
    leases.close()
  })

  it('begin anew when prolonged', () => {
    const { clock, leases } = start()
    clock.ms += 90
    assert.ok(leases.prolong('a'))
    clock.ms += 90
    assert.deepEqual(leases.due(), [])
    clock.ms += 10
    assert.deepEqual(leases.due(), ['a'])
    assert.equal(leases.prolong('gone'), false)
    leases.close()
  })

  it('are looked after when nobody calls', async () => {
    let nowMs = 0
    const store = createMemoryStore({ now: () => nowMs })
    const changes = store.watch('', { signal: new AbortController().signal })[Symbol.asyncIterator]()
    const lease = await store.lease(20)
    await store.transact([], [{ put: 'a', value: 1, lease: lease.id }])
    assert.equal((await changes.next()).value?.changes[0]?.kind, 'put')
    nowMs = 20
    // The store's own timer does not keep the process alive; this one does until the change has come.
    const alive = setInterval(() => {}, 1000)
    const next = await changes.next().finally(() => clearInterval(alive))
    assert.equal(next.value?.changes[0]?.kind, 'delete')
    await store.close()
  })
})
