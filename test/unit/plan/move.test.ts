import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isOfMove, type MoveStep, type MoveView, type Pass, planMove, prefixOf } from '../../../src/plan/move.ts'

const move = 'move-one'

/** Both hosts, done to as the plan says; a disk has so much to tell at each pass. */
class World {
  phase: MoveView['phase'] = 'copy'
  readonly here: string[] = []
  readonly there: string[] = []
  readonly landed = new Set<number>()
  readonly passes: Pass[] = []
  readonly steps: MoveStep[] = []
  live: boolean
  private readonly prefixes: readonly string[]
  private readonly bytes: readonly number[]

  constructor(volumes: number, bytes: readonly number[], live: boolean) {
    this.prefixes = volumes === 0 ? [prefixOf(move)] : Array.from({ length: volumes }, (_, at) => prefixOf(move, at))
    this.bytes = bytes
    this.live = live
  }

  view = (): MoveView => ({
    ...{ phase: this.phase, live: this.live, here: this.here, there: this.there, templateComes: false },
    disks: this.prefixes.map((prefix, at) => ({
      ...{ prefix, snapshots: [], landed: this.landed.has(at) },
      passes: this.passes.filter(({ id }) => id.startsWith(`${prefix}-`)),
    })),
  })

  /** False: the daemon dies before what was done is written. */
  step(isWritten: boolean): MoveStep {
    const step = planMove(this.view())
    this.steps.push(step)
    if (step.do === 'take') this.here.push(step.id)
    if (step.do === 'land') this.landed.add(step.disk)
    if (step.do === 'quiet') {
      this.phase = 'quiet'
      this.live = false
    }
    if (step.do === 'send') {
      if (!this.there.includes(step.id)) this.there.push(step.id)
      const bytes = this.bytes[this.passes.length % Math.max(1, this.bytes.length)] ?? 0
      if (isWritten && (step.as === 'copy' || step.as === 'again')) this.passes.push({ id: step.id, bytes })
    }
    return step
  }
}

test('whatever dies, all disks come over once it is quiet, each as the last of it, and then it is switched', () =>
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 4 }),
      fc.array(fc.integer({ min: 0, max: 2 ** 30 }), { maxLength: 12 }),
      fc.array(fc.boolean(), { maxLength: 40 }),
      fc.boolean(),
      (volumes, bytes, dies, live) => {
        const world = new World(volumes, bytes, live)
        for (let count = 0; world.step(dies[count] !== true).do !== 'switch'; count++)
          assert.ok(count < 200, `it does not end: ${JSON.stringify(world.steps.slice(-4))}`)
        const quietAt = world.steps.findIndex((step) => step.do === 'quiet')
        const lasts = world.steps.flatMap((step, at) => (step.do === 'take' && step.id.endsWith('-last') ? [at] : []))
        assert.equal(lasts.length, Math.max(1, volumes))
        assert.ok(
          lasts.every((at) => at > quietAt),
          'the last of it is taken when nothing writes any more',
        )
        assert.equal(world.landed.size, Math.max(1, volumes))
        assert.ok(world.here.every((id) => isOfMove(move, id)))
      },
    ),
  ))

test('disks take turns: what changed of the first while the last was copied is sent while it serves', () => {
  const world = new World(2, [2 ** 30, 2 ** 30, 2 ** 20], true)
  while (world.step(true).do !== 'quiet');
  const sent = world.steps.flatMap((step) =>
    step.do === 'send' ? [`${step.id} ${step.as} ${step.parent?.id ?? ''}`] : [],
  )
  assert.deepEqual(sent, [
    `${move}-v0-1 copy `,
    `${move}-v1-1 copy `,
    `${move}-v0-2 again ${move}-v0-1`,
    `${move}-v1-2 again ${move}-v1-1`,
  ])
})

test('a pass of one volume is no parent of another', () => {
  const disk = (at: number) => ({ prefix: prefixOf(move, at), snapshots: [], landed: false, passes: [] })
  const here = [`${move}-v0-last`, `${move}-v1-last`]
  const view: MoveView = {
    ...{ phase: 'quiet', live: false, here, there: [`${move}-v0-last`], templateComes: false },
    disks: [{ ...disk(0), landed: true }, disk(1)],
  }
  assert.deepEqual(planMove(view), { do: 'send', disk: 1, id: `${move}-v1-last`, parent: undefined, as: 'last' })
})
