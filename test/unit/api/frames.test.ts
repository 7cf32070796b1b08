import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CroftError } from '../../../src/api/errors.ts'
import {
  countBytes,
  type Frame,
  type FrameReader,
  frameHead,
  jsonBytes,
  longestData,
  readClientFrames,
  readCount,
  readDaemonFrames,
  readJson,
  readSignal,
  readSize,
  sizeBytes,
} from '../../../src/api/frames.ts'

const frame = (kind: Parameters<typeof frameHead>[0], bytes = Buffer.alloc(0)): Buffer =>
  Buffer.concat([frameHead(kind, bytes.length), bytes])
const shown = (frames: readonly Frame<string>[]) =>
  frames.map(({ kind, bytes }) => [kind, Buffer.from(bytes).toString('latin1')])
const refuses = (read: () => unknown, what: RegExp) =>
  assert.throws(
    read,
    (thrown) => thrown instanceof CroftError && thrown.code === 'BAD_REQUEST' && what.test(thrown.message),
  )

test('frames are the same wherever the bytes are split', () => {
  const start = { command: ['echo', 'é'], env: { A: '1' } }
  const bytes = Buffer.concat([
    frame('start', Buffer.from(jsonBytes(start))),
    frame('stdin', Buffer.from([0, 255, 10])),
    frame('resize', Buffer.from(sizeBytes({ columns: 300, rows: 2 }))),
    frame('eof'),
    frame('signal', Buffer.from('SIGINT')),
  ])
  const whole = shown(readClientFrames().push(bytes))
  assert.deepEqual(
    whole.map(([kind]) => kind),
    ['start', 'stdin', 'resize', 'eof', 'signal'],
  )
  for (let at = 0; at <= bytes.length; at++) {
    const reader = readClientFrames()
    assert.deepEqual(shown([...reader.push(bytes.subarray(0, at)), ...reader.push(bytes.subarray(at))]), whole)
  }
  const single = readClientFrames()
  assert.deepEqual(shown([...bytes].flatMap((byte) => single.push(Uint8Array.of(byte)))), whole)
})

test('a frame is refused by its head: unknown numbers, those of the other side, lengths that no frame has', () => {
  const heads: readonly [FrameReader<string>, readonly number[]][] = [
    [readClientFrames(), [0, 0, 0, 0, 0]],
    [readClientFrames(), [17, 0, 0, 0, 1]],
    [readClientFrames(), [2, 0, 1, 0, 1]],
    [readClientFrames(), [2, 255, 255, 255, 255]],
    [readClientFrames(), [3, 0, 0, 0, 1]],
    [readClientFrames(), [1, 0, 4, 0, 1]],
    [readDaemonFrames(), [1, 0, 0, 0, 1]],
    [readDaemonFrames(), [20, 0, 0, 0, 2]],
    [readDaemonFrames(), [17, 128, 0, 0, 0]],
  ]
  for (const [reader, head] of heads) refuses(() => reader.push(Uint8Array.from(head)), /frame/)
  assert.equal(readClientFrames().push(frame('stdin', Buffer.alloc(longestData)))[0]?.bytes.length, longestData)
})

test('what is in a frame is checked', () => {
  assert.deepEqual(readSize(sizeBytes({ columns: 80, rows: 24 })), { columns: 80, rows: 24 })
  assert.equal(readCount(countBytes(4_000_000_000)), 4_000_000_000)
  assert.equal(readSignal(Buffer.from('SIGTERM')), 'SIGTERM')
  refuses(() => readSize(new Uint8Array(3)), /4 bytes/)
  for (const [columns, rows] of [
    [0, 1],
    [80, 10_001],
  ] as const)
    refuses(() => readSize(sizeBytes({ columns, rows })), /columns/)
  refuses(() => readCount(new Uint8Array(0)), /4 bytes/)
  for (const name of ['SIGSTOP', 'SIGKILL', '9', '', 'toString']) refuses(() => readSignal(Buffer.from(name)), /signal/)
  refuses(() => readJson(Buffer.from('{')), /JSON/)
  refuses(() => readJson(Uint8Array.of(0x22, 0xff, 0x22)), /JSON/)
})
