import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { contains, formatRange, parseRange } from '../../src/plan/firewall/ranges.ts'

const told = (text: string) => {
  const range = parseRange(text)
  return range && formatRange(range)
}

test('ranges are told in the shortest way', () => {
  assert.equal(told('10.1.2.3/8'), '10.0.0.0/8')
  assert.equal(told('10.0.0.0-10.255.255.255'), '10.0.0.0/8')
  assert.equal(told('10.0.0.3-10.0.0.9'), '10.0.0.3-10.0.0.9')
  assert.equal(told('192.0.2.7/32'), '192.0.2.7')
  assert.equal(told('0.0.0.0/0'), '0.0.0.0/0')
  assert.equal(told('::/0'), '::/0')
  assert.equal(told('2001:DB8:0:0:0::5/32'), '2001:db8::/32')
  assert.equal(told('::ffff:192.0.2.1'), '::ffff:192.0.2.1')
  assert.equal(told('fd12::1-fd12::2'), 'fd12::1-fd12::2')
})

test('what is no range is none', () => {
  const wrong = ['', 'web', '10.0.0.0/33', '10.0.0', '::/129', 'fe80::1%eth0', '1.2.3.4-::1', '10.0.0.9-10.0.0.3']
  const hostile = ['1.2.3.4\n', '1.2.3.4 ; flush ruleset', '1.2.3.4/8/8', '1.2.3.4/-1', '1.2.3.4-1.2.3.5-1.2.3.6', '/8']
  for (const text of [...wrong, ...hostile]) assert.equal(parseRange(text), undefined, text)
})

test('reading what was told gives the same range', () => {
  const address = fc.oneof(fc.ipV4(), fc.ipV6())
  fc.assert(
    fc.property(address, fc.integer({ min: 0, max: 128 }), (text, bits) => {
      const range = parseRange(`${text}/${text.includes(':') ? bits : bits % 33}`)
      const self = parseRange(text)
      assert.ok(range && self && contains(range, self))
      assert.deepEqual(parseRange(formatRange(range)), range)
    }),
  )
})
