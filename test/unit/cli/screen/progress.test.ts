import assert from 'node:assert/strict'
import { test } from 'node:test'
import { foldedLine, freshLines, liveText } from '../../../../src/cli/screen/progress.ts'
import { operation } from '../fake-daemon.ts'

test('a log that drops its beginning still shows each line once', () => {
  assert.deepEqual(freshLines([], ['a', 'b']), ['a', 'b'])
  assert.deepEqual(freshLines(['a', 'b'], ['a', 'b']), [])
  assert.deepEqual(freshLines(['a', 'b', 'c'], ['b', 'c', 'd']), ['d'])
  assert.deepEqual(freshLines(['a', 'b'], ['x', 'y']), ['x', 'y'])
})

test('the live line: time, share, rate, what is left', () => {
  const progress = { label: 'unpack', done: 30 * 1024 ** 2, total: 120 * 1024 ** 2, unit: 'bytes' }
  const text = liveText(operation({ verb: 'build', state: 'running', progress }), 10_000)
  assert.equal(text, 'build web  10s  unpack  25%  3 MB/s  30s left')
  const style = { colour: false, unicode: true, columns: undefined }
  assert.equal(foldedLine('! Docker is here', style), '  ! Docker is here')
  assert.equal(foldedLine('pool \u001b[2J', style), '  ✓ pool \\e[2J')
})
