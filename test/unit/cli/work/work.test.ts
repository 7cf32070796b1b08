import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inParallel } from '../../../../src/cli/work/bulk.ts'
import { parseLabel } from '../../../../src/cli/work/targets.ts'

test('labels', () => {
  const labels = { owner: 'lark', tier: '' }
  const all: readonly [text: string, matches: boolean][] = [
    ['owner=lark', true],
    ['owner=wren', false],
    ['owner!=wren', true],
    ['owner', true],
    ['tier=', true],
    ['gone', false],
    ['toString', false],
  ]
  for (const [text, matches] of all) assert.equal(parseLabel(text).matches(labels), matches, text)
  assert.throws(() => parseLabel('=x'))
})

test('several at a time: in order, never more than the limit', async () => {
  let busy = 0
  let most = 0
  const results = await inParallel([1, 2, 3, 4, 5, 6, 7], 3, async (value) => {
    most = Math.max(most, ++busy)
    await new Promise((resolve) => setImmediate(resolve))
    busy -= 1
    return value * 2
  })
  assert.deepEqual([results, most], [[2, 4, 6, 8, 10, 12, 14], 3])
  assert.deepEqual(await inParallel([], 3, async () => 1), [])
})
