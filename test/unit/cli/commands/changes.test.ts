import assert from 'node:assert/strict'
import { test } from 'node:test'
import { changesBetween } from '../../../../src/cli/commands/croft/changes.ts'

test('a change is told by what differs, few at a time', () => {
  const before = { run: 'running', limits: { cpus: 2, memoryBytes: 5 }, labels: { old: 'x' }, ports: [] }
  const after = {
    run: 'running',
    limits: { cpus: 1, memoryBytes: 5 },
    labels: { tier: 'data' },
    ports: [{ hostPort: 8080, guestPort: 80, protocol: 'tcp' }],
  }
  assert.equal(
    changesBetween(before, after),
    'labels.old - x, labels.tier + data, limits.cpus 2 → 1, ports + 8080:80/tcp',
  )
  assert.equal(changesBetween(before, before), '')
  assert.equal(changesBetween(null, after), '', 'what was made has no difference')
  assert.equal(changesBetween({ a: 1, b: 1, c: 1 }, { a: 2, b: 2, c: 2 }, 2), 'a 1 → 2, b 1 → 2, and 1 more')
})

test('lists are told by what came and what went, as the command takes it', () => {
  const rule = {
    action: 'allow',
    direction: 'in',
    peer: 'pg',
    service: { protocol: 'tcp', from: 5432, to: 5432 },
    log: false,
  }
  const other = {
    ...rule,
    action: 'deny',
    direction: 'out',
    peer: '10.0.0.0/8',
    service: { protocol: 'any' },
    log: true,
  }
  const key = 'ssh-ed25519 AAAA me@desk'
  assert.equal(changesBetween({ rules: [] }, { rules: [rule] }), 'rules + allow from pg tcp/5432')
  assert.equal(
    changesBetween({ rules: [rule], keys: [key] }, { rules: [other], keys: [] }),
    'keys - key me@desk, rules - allow from pg tcp/5432, rules + deny to 10.0.0.0/8 any --log',
  )
  assert.equal(changesBetween({ rules: [7] }, { rules: [] }), 'rules - 7', 'of another version')
})

test('ids and numbers of the inside are left out where a name changes with them', () => {
  const from = (kind: string, id: string, name: string) => ({ root: { id, from: { kind, id, name } } })
  assert.equal(changesBetween(from('template', 'a', 'x'), from('snapshot', 'b', 'web@y')), 'root.from.name x → web@y')
})
