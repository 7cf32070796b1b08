/** A guest that stops has answered first, whatever the daemon knows of the edge just then. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLeaving, type Leaving } from '../../../src/daemon/edge/leaving.ts'
import { createFakeEdge } from '../../../src/drivers/edge/fake/index.ts'
import { idOf } from '../../../src/plan/edge.ts'
import { SimClock } from '../../sim/clock.ts'

const clock = new SimClock()
const guest = { number: 7, id: 'ID-of-web', name: 'web' }
const sites = [{ target: { kind: 'servers', servers: [{ id: idOf(guest.id) }] } }] as never

/** `open` is what the edge says, look by look, the last for good. */
function world(open: readonly (number | Error)[], tell: (leaving: Leaving) => void) {
  let looks = 0
  const edge = {
    ...createFakeEdge(),
    open: async () => {
      const said = open[Math.min(looks++, open.length - 1)] as number | Error
      if (said instanceof Error) throw said
      return said
    },
  }
  const leaving: Leaving = createLeaving({
    ...{ env: clock.env(() => true), edge, refreshSoon() {} },
    refresh: async () => tell(leaving),
  })
  return { leaving, looks: () => looks }
}

async function ends(work: Promise<void>): Promise<number> {
  const begun = clock.seconds
  let done = false
  work.then(() => (done = true))
  while (!done) {
    await clock.pass(0.025)
    await new Promise(setImmediate)
  }
  return clock.seconds - begun
}

const toWeb = (leaving: Leaving) => leaving.told({ sites }, [guest] as never)

test('a daemon that has told the edge nothing yet tells it first, and waits then', async () => {
  const { leaving, looks } = world([1, 1, 0], toWeb)
  assert.equal(leaving.leadsTo(7), true)
  await ends(leaving.leave(7))
  assert.equal(looks(), 3)
  assert.deepEqual([leaving.isLeaving(7), leaving.leadsTo(8)], [true, false])
})

test('what does not answer may have something open; patience ends', async () => {
  const { leaving, looks } = world([new Error('no answer'), 1, 0], toWeb)
  await ends(leaving.leave(7))
  assert.equal(looks(), 3)
  const silent = world([new Error('no answer')], toWeb)
  const seconds = await ends(silent.leaving.leave(7))
  assert.ok(seconds >= 3 && seconds < 4, `${seconds} s`)
})

test('nobody is asked about a guest to which nothing leads', async () => {
  const { leaving, looks } = world([1], (each) => each.told({ sites: [] }, []))
  await ends(leaving.leave(7))
  await ends(leaving.leave(7))
  assert.deepEqual([looks(), leaving.isLeaving(7)], [0, true])
})

test('an edge that takes nothing new keeps nobody', async () => {
  const { leaving, looks } = world([1], () => {})
  await ends(leaving.leave(7))
  assert.equal(looks(), 0)
})
