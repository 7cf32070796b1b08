import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { after, describe, test } from 'node:test'
import { type ArrivalLimits, createArrivals } from '../../../src/daemon/host/arrivals.ts'
import { restOf } from '../../../src/daemon/moves/rest.ts'
import type { Sending } from '../../../src/drivers/storage/driver.ts'
import { measured, sending } from '../../../src/drivers/storage/measured.ts'

const folder = await mkdtemp(join(tmpdir(), 'croft-arrivals-'))
after(() => rm(folder, { recursive: true }))
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
const plenty: ArrivalLimits = { mostBytes: 1e9, reserveBytes: 0 }
let made = 0
const world = (limits = plenty) => {
  const own = join(folder, `w${made++}`)
  return { own, arrivals: createArrivals(own, { now: () => Date.now() }, limits) }
}
async function* pieces(...texts: (string | Error)[]): AsyncGenerator<Buffer> {
  for (const text of texts) {
    if (text instanceof Error) throw text
    yield Buffer.from(text)
  }
}
const read = async (stream: Readable) => Buffer.concat(await stream.toArray()).toString()

describe('what has come of a disk', () => {
  test('is kept while it comes, and is the beginning of the next try; root alone reads it', async () => {
    const { own, arrivals } = world()
    assert.equal(await arrivals.find('disk-1'), undefined)
    const broken = arrivals.whole('disk-1', pieces('one ', 'two ', new Error('the line broke')))
    await assert.rejects(read(broken), /the line broke/)
    assert.deepEqual(await arrivals.find('disk-1'), { bytes: 8, sha256: sha256('one two ') })
    assert.equal((await stat(join(own, 'disk-1'))).mode & 0o777, 0o600)
    assert.equal((await stat(own)).mode & 0o777, 0o700)
    assert.equal(await read(arrivals.whole('disk-1', pieces('three'))), 'one two three')
    assert.equal(await readFile(join(own, 'disk-1'), 'utf8'), 'one two three')
    await arrivals.remove('disk-1')
    await arrivals.remove('disk-1')
    assert.deepEqual(await readdir(own), [])
  })

  test('is no path', async () => {
    const { arrivals } = world()
    for (const id of ['../x', '/x', '', '.', 'a/b', 'A', 'a\n'])
      await assert.rejects(async () => arrivals.find(id), { code: 'BAD_VALUE' }, id)
  })

  test('is bounded for all disks together, and the disk comes all the same', async () => {
    const { arrivals } = world({ mostBytes: 10, reserveBytes: 0 })
    assert.equal(await read(arrivals.whole('one', pieces('123456'))), '123456')
    assert.equal(await read(arrivals.whole('two', pieces('abcd', 'efgh'))), 'abcdefgh')
    assert.deepEqual(await arrivals.find('two'), { bytes: 4, sha256: sha256('abcd') })
  })

  test('makes room on a disk that is full, and the disk comes all the same', async () => {
    const { own, arrivals } = world({ mostBytes: 1e9, reserveBytes: Number.MAX_SAFE_INTEGER })
    assert.equal(await read(arrivals.whole('one', pieces('123456', '789'))), '123456789')
    assert.deepEqual(await readdir(own), [])
  })

  test('goes when nobody went on with it for a day', async () => {
    const { own, arrivals } = world()
    await arrivals.sweep()
    await read(arrivals.whole('old', pieces('1')))
    await read(arrivals.whole('new', pieces('2')))
    const before = (Date.now() - 90_000_000) / 1000
    await utimes(join(own, 'old'), before, before)
    await writeFile(join(own, 'odd name'), '')
    await utimes(join(own, 'odd name'), before, before)
    await arrivals.sweep()
    assert.deepEqual(await readdir(own), ['new'])
  })
})

describe('the rest of a disk', () => {
  const disk = (...texts: string[]): Sending => sending(measured(Readable.from(pieces(...texts))))

  test('begins behind what is known, with the hash of the whole', async () => {
    for (const bytes of [1, 3, 4, 5, 7]) {
      const whole = disk('abc', 'd', 'efg')
      const rest = await restOf(whole, { bytes, sha256: sha256('abcdefg'.slice(0, bytes)) })
      assert.equal(await read(rest.stream), 'abcdefg'.slice(bytes))
      assert.deepEqual(await rest.sent, { bytes: 7, sha256: sha256('abcdefg') })
    }
  })

  test('is none of a disk that begins otherwise, or is shorter', async () => {
    for (const known of [
      { bytes: 3, sha256: sha256('abx') },
      { bytes: 8, sha256: sha256('abcdefg') },
      { bytes: Number.MAX_SAFE_INTEGER, sha256: sha256('abcdefg') },
    ]) {
      const whole = disk('abc', 'd', 'efg')
      await assert.rejects(restOf(whole, known), { code: 'HASH_DIFFERS' })
      assert.ok(whole.stream.destroyed)
    }
  })
})
