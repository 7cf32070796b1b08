/** How daemons end, from a journal: what is said of it, when nobody waits any longer, and what is kept. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { tellExits } from '../../../src/plan/events.ts'
import { exitLine, withExits } from '../../../src/plan/site-exits.ts'
import { type Exit, exitText, hopeless, parseExits } from '../../../src/plan/units/exits.ts'

const ids = {
  ended: '98e322203f7a4ed290d09fe03c09fe15',
  failed: 'd9b373ed55a64feb8242e02dbe79a49c',
  again: '5eb03494b6584870a536b337290809b3',
}
const line = (id: keyof typeof ids, seconds: number, unit: string, more: object = {}): string =>
  JSON.stringify({ __REALTIME_TIMESTAMP: String(seconds * 1e6), MESSAGE_ID: ids[id], UNIT: unit, ...more })
const ended = (at: number, status: number, code = 'exited', unit = 'app-web.service') =>
  line('ended', at, unit, { EXIT_CODE: code, EXIT_STATUS: String(status) })
const said = (...lines: string[]) => parseExits(lines).map((exit) => `${exit.kind} ${exit.name} ${exitText(exit)}`)

test('each end is told once, as what it was', () => {
  assert.deepEqual(
    said(
      ended(10, 1),
      line('failed', 10.01, 'app-web.service', { UNIT_RESULT: 'exit-code' }),
      line('again', 12, 'app-web.service'),
      ended(20, 9, 'killed'),
      line('failed', 20.01, 'app-web.service', { UNIT_RESULT: 'oom-kill' }),
      ended(30, 9, 'killed', 'app-worker.service'),
      line('again', 40, 'app-worker.service'),
      ended(50, 3, 'exited', 'job-night.service'),
      ended(60, 203),
    ),
    [
      'daemon web ended with 1',
      'daemon web was killed: out of memory',
      'daemon worker was killed by signal 9, as when memory runs out',
      'daemon worker ended with 0',
      'cron night ended with 3',
      'daemon web could not be started (203/EXEC): its program is missing or cannot be run',
    ],
  )
})

test('what is no line of a journal, or of another unit, or was known before, is nothing', () => {
  assert.deepEqual(said('', 'x', 'null', '[]', '{"MESSAGE_ID":5}', ended(1, 1, 'exited', 'ssh.service')), [])
  assert.deepEqual(said(ended(1, 1, 'exited', 'app-../../x.service'), ended(1, 1, 'exited', 'app-.service')), [])
  assert.equal(parseExits([ended(5, 1), ended(6, 1)], 5e6).length, 1)
})

test('nobody waits for a program that cannot be run, or that ended three times', () => {
  const of = (...codes: number[]) => hopeless(parseExits(codes.map((code, at) => ended(at + 1, code))))
  assert.equal(of(), undefined)
  assert.equal(of(1, 1), undefined)
  assert.deepEqual(of(1, 1, 1), { daemon: 'web', why: 'ended with 1, 3 times' })
  assert.match(of(203)?.why ?? '', /203\/EXEC/)
  assert.equal(hopeless(parseExits([1, 2, 3].map((at) => ended(at, 1, 'exited', 'job-night.service')))), undefined)
})

test('what ends again is counted, and is news each time', () => {
  const exit = (at: number): Exit => ({ kind: 'daemon', name: 'web', how: 'exited', code: 1, at: at * 1e6 })
  const once = withExits([], 'shop/prod/1', [exit(1)])
  const thrice = withExits(once, 'shop/prod/1', [exit(2), exit(3)])
  assert.deepEqual(thrice.map(exitLine), ['web ended with 1, 3 times'])
  assert.equal(withExits(thrice, 'shop/prod/2', [exit(4)]).length, 2)
  const [event] = tellExits('shop/prod', { exits: once }, { exits: thrice })
  assert.deepEqual(event, {
    ...{ kind: 'site', name: 'shop/prod', event: 'daemon-ended', detail: 'shop/prod/1 web' },
    ...{ at: '1970-01-01T00:00:03.000Z', reason: 'ended with 1, 3 times' },
  })
  assert.deepEqual(tellExits('shop/prod', { exits: thrice }, { exits: thrice }), [])
  const many = Array.from({ length: 50 }, (_, at): Exit => ({ ...exit(at), name: `d${at}` }))
  assert.equal(withExits([], 'shop/prod/1', many).length, 20)
})
