/** An exported template ends like a whole one only when it is. */
import assert from 'node:assert/strict'
import { PassThrough, Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { zstdDecompressSync } from 'node:zlib'
import { compress } from '../../../src/daemon/host/export-template.ts'
import { startPipeline } from '../../../src/drivers/exec/pipeline.ts'

const tar = () => Readable.from([Buffer.from('half a '), Buffer.from('tree')])

test('it ends after its last byte and the good end of who packed it, whichever comes later', async () => {
  for (const ended of [Promise.resolve(), sleep(20)])
    assert.equal(zstdDecompressSync(await buffer(compress({ output: tar(), ended }))).toString(), 'half a tree')
  const output = new PassThrough()
  const whole = buffer(compress({ output, ended: Promise.resolve() }))
  await sleep(20)
  output.end('late')
  assert.equal(zstdDecompressSync(await whole).toString(), 'late')
})

test('a packer that fails after its last byte, or breaks off, never leaves something that ends', async () => {
  const failed = sleep(20).then(() => Promise.reject(new Error('tar: exit 2')))
  await assert.rejects(buffer(compress({ output: tar(), ended: failed })), /exit 2/)
  const output = new PassThrough()
  const cut = buffer(compress({ output, ended: Promise.resolve() }))
  output.write('half')
  output.destroy()
  await assert.rejects(cut, /premature/i)
})

test('when nobody reads on, nothing more is packed', async () => {
  const output = new PassThrough()
  const compressed = compress({ output, ended: new Promise(() => {}) })
  compressed.destroy()
  await assert.rejects(buffer(output), /premature|ABORT/i)
})

test('a timeout of silence leaves alone what still gives, and ends what gives nothing', async () => {
  const options = { signal: AbortSignal.timeout(30_000), timeoutOf: 'silence' } as const
  const timeoutMs = 300
  const busy = startPipeline([{ file: 'yes', args: [], timeoutMs }], options)
  busy.output.resume()
  await sleep(4 * timeoutMs)
  busy.output.destroy()
  assert.deepEqual(
    (await busy.ended).map(({ timedOut }) => timedOut),
    [false],
  )
  const idle = startPipeline([{ file: 'sleep', args: ['60'], timeoutMs }], options)
  idle.output.resume()
  assert.deepEqual(
    (await idle.ended).map(({ timedOut }) => timedOut),
    [true],
  )
})
