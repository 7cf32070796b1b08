import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import { test } from 'node:test'
import type { Certificate } from '../../../src/api/door.ts'
import { judgeDoor, judgeKeyFiles } from '../../../src/daemon/doctor/door.ts'
import { Visitors } from '../../../src/daemon/http/visitors.ts'

function socket() {
  const made = Object.assign(new EventEmitter(), { destroyed: false, destroy: () => undefined as unknown })
  made.destroy = () => {
    if (made.destroyed) return
    made.destroyed = true
    made.emit('close')
  }
  return made as EventEmitter & { destroyed: boolean; destroy(): void }
}

test('connections end with their token, and with no other', () => {
  const timers: (() => void)[] = []
  const env = {
    now: () => Date.parse('2026-01-01T00:00:00Z'),
    later: (_ms: number, work: () => void) => {
      timers.push(work)
      return { [Symbol.dispose]: () => undefined }
    },
  }
  const visitors = new Visitors(env)
  const [one, two, other, ending] = [socket(), socket(), socket(), socket()]
  const came = (token: string, from: object, expires: string | null = null) =>
    visitors.came(token, from as Socket, expires)
  came('laptop', one)
  came('laptop', one)
  came('laptop', two)
  came('monitor', other)
  one.destroy()
  visitors.shutOut('laptop')
  visitors.shutOut('nobody')
  assert.deepEqual([one.destroyed, two.destroyed, other.destroyed], [true, true, false])
  came('short', ending, '2026-01-01T00:00:10Z')
  assert.equal(timers.length, 4)
  timers.at(-1)?.()
  assert.deepEqual([ending.destroyed, other.destroyed], [true, false])
})

test('the doctor: a door that did not open, keys that others read, certificates that end', () => {
  const day = 24 * 3600 * 1000
  const now = Date.parse('2026-06-01T00:00:00Z')
  const at = (days: number) => new Date(now + days * day).toISOString()
  const ca: Certificate = {
    name: 'meadow',
    kind: 'ca',
    fingerprint: '',
    names: [],
    begins: at(-1),
    expires: at(7000),
    renews: null,
  }
  const host: Certificate = { ...ca, name: 'ash', kind: 'host', expires: at(80), renews: at(50) }
  const open = { state: 'open', listen: ':8443' } as const
  const judge = (...certificates: Certificate[]) =>
    judgeDoor({ door: open, certificates, now }).map(
      ({ verdict, evidence }) => `${verdict} ${evidence.replace(/ at .*/, '')}`,
    )
  assert.match(String(judge(ca, host)), /^ok open on :8443; certificates: ca until/)
  assert.deepEqual(judge(ca, { ...host, expires: at(-1) }), ['red the certificate of host ash ended'])
  assert.match(String(judge(ca, { ...host, renews: at(-2) })), /^warn the certificate of host ash was to be renewed/)
  assert.match(String(judge({ ...ca, begins: at(1) }, host)), /^red the certificate of ca meadow begins/)
  assert.match(String(judge({ ...ca, expires: at(300) }, host)), /^warn the certificate of ca meadow ends/)
  const failed = judgeDoor({ door: { state: 'failed', listen: ':8443', reason: 'port 8443' }, certificates: [], now })
  assert.deepEqual(
    failed.map(({ verdict, evidence }) => `${verdict} ${evidence}`),
    ['red port 8443'],
  )
  const file = { path: '/x/ca.pem', mode: 0o100600, uid: 0 }
  assert.deepEqual(judgeKeyFiles([file, { ...file, mode: 0o40700 }]), [])
  assert.equal(
    judgeKeyFiles([
      { ...file, mode: 0o100640 },
      { ...file, uid: 1000 },
    ]).length,
    2,
  )
})
