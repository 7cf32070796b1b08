/** Noise at the door to the outside: the daemon stays up, keeps its size, and lets those in whom it knows. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { useSharedFarm } from './shared.ts'

const farm = await useSharedFarm({ init: ['--listen', ':8443'] })
const pid = farm.daemonPid
const token = (await farm.croftOk('token', 'add', 'noise', '--role', 'reader')).trim()

interface Saw {
  readonly seen: Readonly<Record<string, number>>
  readonly faults: readonly string[]
  readonly refused: number
  readonly whileHeld: string
}

test('800 handshakes and requests that are none: nobody gets in, nothing fails, and the next one is answered', async () => {
  const script = join(import.meta.dirname, 'door-noise.ts')
  const { code, stdout, stderr } = await farm.host({
    file: process.execPath,
    args: [script, '8443', token],
    timeoutMs: 120_000,
  })
  assert.equal(code, 0, stderr)
  const { seen, faults, refused, whileHeld } = JSON.parse(stdout) as Saw
  assert.deepEqual(faults, [], JSON.stringify(seen))
  const total = (what: RegExp) =>
    Object.entries(seen).reduce((sum, [key, count]) => sum + (what.test(key) ? count : 0), 0)
  assert.equal(total(/^hello/), 400)
  assert.ok(total(/^stranger 401/) > 0 && total(/^stranger 429/) >= 10, JSON.stringify(seen))
  assert.ok(total(/^reader 2/) > 3 && total(/^reader 40[03]/) > 20, JSON.stringify(seen))
  assert.equal(total(/^body 4(01|29)/), 20, JSON.stringify(seen))
  assert.equal(total(/^head 413/), 1, JSON.stringify(seen))
  assert.ok(refused >= 20 && refused < 70, `${refused} of 70 connections of one address were refused`)
  assert.equal(whileHeld.split(' ')[0], 'HTTP/1.1')
  assert.equal(farm.daemonPid, pid)
  assert.equal((await farm.api('GET', '/v1/guests')).status, 200)
})

test('the daemon kept its size, and foresaw all of it', () => {
  const kilobytes = Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])
  assert.ok(kilobytes > 0 && kilobytes < 300_000, `${kilobytes} KB`)
  assert.doesNotMatch(readFileSync(farm.logFile, 'utf8'), /unhandled|did not foresee/)
})
