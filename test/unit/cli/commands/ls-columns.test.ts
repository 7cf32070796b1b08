/** Which columns a list of guests has. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Guest } from '../../../../src/api/guest.ts'
import { columnsFor } from '../../../../src/cli/commands/guest/columns.ts'

const shown = (...guests: readonly object[]) =>
  columnsFor(guests as readonly Guest[])
    .filter(({ wide }) => !wide)
    .map(({ title }) => title)

test('the host is told where there is more than one', () => {
  assert.ok(!shown().includes('HOST'))
  assert.ok(!shown({ host: 'ash' }, { host: 'ash' }).includes('HOST'))
  const several = shown({ host: 'ash' }, { host: 'birch' })
  assert.deepEqual([several.includes('HOST'), several.includes('IPV6')], [true, false])
  assert.ok(shown({ host: 'ash', placed: {} }).includes('HOST'), 'one of several was chosen')
  assert.ok(shown({ host: 'ash', away: true }).includes('HOST'))
})
