import assert from 'node:assert/strict'
import { test } from 'node:test'
import { changesBetween } from '../../../../src/cli/commands/croft/changes.ts'

test('a change is told by what differs, few at a time', () => {
  const before = { run: 'running', limits: { cpus: 2, memoryBytes: 5 }, labels: { old: 'x' }, ports: [] }
  const after = {
    run: 'running',
    limits: { cpus: 1, memoryBytes: 5 },
    labels: { tier: 'data' },
    ports: [{ hostPort: 80 }],
  }
  assert.equal(
    changesBetween(before, after),
    'labels.old - x, labels.tier + data, limits.cpus 2 → 1, ports [] → [{"hostPort":80}]',
  )
  assert.equal(changesBetween(before, before), '')
  assert.equal(changesBetween(null, after), '', 'what was made has no difference')
  assert.equal(changesBetween({ a: 1, b: 1, c: 1 }, { a: 2, b: 2, c: 2 }, 2), 'a 1 → 2, b 1 → 2, and 1 more')
})

test('ids and numbers of the inside are left out where a name changes with them', () => {
  const from = (kind: string, id: string, name: string) => ({ root: { id, from: { kind, id, name } } })
  assert.equal(changesBetween(from('template', 'a', 'x'), from('snapshot', 'b', 'web@y')), 'root.from.name x → web@y')
})
