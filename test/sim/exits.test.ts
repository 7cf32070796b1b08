/** Daemons that end: while a rollout waits for them, and of instances that serve. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Status } from '../../src/api/resources.ts'
import type { Ended } from '../../src/daemon/host/inside.ts'
import { plain, SiteFarm } from './sites-farm.ts'

/** What the service manager of each wrote, by the guest's number. */
async function farmWith(ends: (number: number) => readonly { at: number; status: number; unit?: string }[]) {
  const farm = new SiteFarm()
  const asked: number[] = []
  farm.inside = {
    async run(number, words): Promise<Ended> {
      if (words[0] !== 'journalctl' || !words.includes('_PID=1')) return { code: 0, lines: ['its last line'] }
      asked.push(number)
      const lines = ends(number).map(({ at, status, unit = 'app-web' }) =>
        JSON.stringify({
          ...{ __REALTIME_TIMESTAMP: String(at * 1000), MESSAGE_ID: '98e322203f7a4ed290d09fe03c09fe15' },
          ...{ UNIT: `${unit}.service`, EXIT_CODE: 'exited', EXIT_STATUS: String(status) },
        }),
      )
      return { code: 0, lines }
    },
  }
  await farm.begun('v1', 'v2')
  return { farm, asked }
}

test('a program that is missing, and one that ends again and again, fail the gate long before its limit', async () => {
  for (const [statuses, why] of [
    [[203], /is not healthy: web could not be started \(203\/EXEC\): its program is missing or cannot be run$/],
    [[1, 1, 1], /is not healthy: web ended with 1, 3 times$/],
  ] as const) {
    const { farm } = await farmWith((number) =>
      number > 2 ? statuses.map((status, at) => ({ at: farm.clock.now() + at - 100, status })) : [],
    )
    await farm.deployed({ version: 'v1', domains: ['shop.org'] })
    await farm.release('slow', {
      ...plain,
      daemon: { web: { command: 'x', port: 8080, health: { kind: 'tcp', withinSeconds: 3000 } } },
    })
    farm.unwell = ({ number }) => (number > 2 ? 'port 8080: nothing listens there' : undefined)
    await farm.deploy({ version: 'slow' })
    await farm.pass(60)
    const { rollout, state, release } = await farm.site()
    assert.deepEqual([rollout?.state, release, state], ['failed', 'shop:v1', 'serves'])
    assert.match(rollout?.reason ?? '', why)
    assert.deepEqual(rollout?.lines, ['its last line'])
  }
})

test('a daemon without a check that ends at once is not let in', async () => {
  const { farm } = await farmWith(() => [{ at: farm.clock.now() - 500, status: 7, unit: 'app-worker' }])
  await farm.release('w', { ...plain, daemon: { ...plain.daemon, worker: { command: 'w', health: { kind: 'none' } } } })
  await farm.deploy({ version: 'w' })
  await farm.pass(90)
  assert.match((await farm.site()).rollout?.reason ?? '', /is not healthy: worker ended with 7/)
  // One that lives is let in a moment later.
  const { farm: other } = await farmWith(() => [])
  await other.release('w', { ...plain, daemon: { worker: { command: 'w', health: { kind: 'none' } } } })
  assert.equal((await other.deployed({ version: 'w' })).state, 'serves')
})

test('what ends of instances that serve is kept, told and shown; who does not end is not looked into', async () => {
  const ends: { at: number; status: number; unit?: string }[] = []
  const { farm, asked } = await farmWith((number) => (number === 1 ? ends : []))
  await farm.deployed({ version: 'v1', domains: ['shop.org'] })
  asked.length = 0
  await farm.pass(120)
  const quiet = asked.length
  assert.ok(quiet <= 2, `${quiet} looks without a reason`)
  ends.push({ at: farm.clock.now() + 500, status: 137 }, { at: farm.clock.now() + 900, status: 2, unit: 'job-night' })
  farm.runtime.endOne(1)
  await farm.pass(60)
  const { exits = [], state } = await farm.site()
  assert.deepEqual(
    exits.map(({ instance, kind, name, why, times }) => [instance, kind, name, why, times]),
    [
      ['shop/prod/1', 'cron', 'night', 'ended with 2', 1],
      ['shop/prod/1', 'daemon', 'web', 'ended with 137', 1],
    ],
  )
  assert.equal(state, 'serves')
  const { attention } = (await farm.ask('getStatus', {})) as Status
  assert.ok(attention.some((each) => each.do === 'croft logs shop/prod/1 --unit app-web'))
  // One that ends without end costs ever fewer looks.
  asked.length = 0
  for (let second = 0; second < 600; second += 5) {
    ends.push({ at: farm.clock.now() + 1000, status: 1 })
    farm.runtime.endOne(1)
    await farm.pass(5)
  }
  assert.ok(asked.length < 10, `${asked.length} looks`)
  assert.ok(((await farm.site()).exits?.[0]?.times ?? 0) > 20)
})
