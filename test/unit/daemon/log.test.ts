import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLog } from '../../../src/daemon/log.ts'

test('a line that cannot be written is lost, and the next is tried', () => {
  const lines: string[] = []
  let full = true
  const log = createLog('info', (line) => {
    if (full) throw Object.assign(new Error('no space'), { code: 'ENOSPC' })
    lines.push(line)
  })
  log.info({ n: 1 }, 'lost')
  full = false
  log.info({ n: 2 }, 'kept')
  assert.equal(lines.length, 1)
  const { n, msg, level } = JSON.parse(lines[0] ?? '{}')
  assert.deepEqual({ n, msg, level }, { n: 2, msg: 'kept', level: 30 })
})
