import assert from 'node:assert/strict'
import { isIP } from 'node:net'
import { test } from 'node:test'
import {
  defaultUidBase,
  ipv4Of,
  ipv6Of,
  isUsableNumber,
  linkOf,
  macOf,
  numberOfLink,
  numbersOfBlock,
  uidOf,
  uidRangeSize,
  uidSlots,
} from '../../../src/plan/addresses.ts'

const numbers = Array.from({ length: 65536 }, (_, number) => number).filter(isUsableNumber)

test('no two numbers share an address, link or MAC', () => {
  for (const of of [
    (number: number) => ipv4Of('10.100.0.0/16', number),
    (number: number) => ipv6Of('fd12:3456:789a:1::/64', number),
    linkOf,
    macOf,
  ])
    assert.equal(new Set(numbers.map(of)).size, numbers.length)
})

test('all are well-formed, and a link tells its number', () => {
  for (const number of [...numbers.slice(0, 600), ...numbers.slice(-600)]) {
    assert.equal(isIP(ipv4Of('10.100.0.0/16', number)), 4)
    assert.equal(isIP(ipv6Of('fd12:3456:789a:1::/64', number)), 6)
    assert.match(macOf(number), /^0a(:[0-9a-f]{2}){5}$/)
    assert.ok(linkOf(number).length <= 15, 'the kernel takes no longer name')
    assert.equal(numberOfLink(linkOf(number)), number)
  }
  for (const foreign of ['eth0', 'croft', 'croft7x', 'xcroft7', 'croft123456', 'croft-7', 'croft7\n'])
    assert.equal(numberOfLink(foreign), undefined, foreign)
})

test('addresses that software refuses are left out, and blocks do not meet', () => {
  for (const number of numbers) assert.doesNotMatch(ipv4Of('10.100.0.0/16', number), /\.(0|255)$/)
  const blocks = Array.from({ length: 256 }, (_, block) => numbersOfBlock(block))
  assert.equal(blocks.flat().length, numbers.length)
  assert.equal(new Set(blocks.flat()).size, numbers.length)
})

test('uid ranges lie side by side and below 2^31', () => {
  assert.equal(uidOf(defaultUidBase, 1) - uidOf(defaultUidBase, 0), uidRangeSize)
  assert.ok(uidOf(defaultUidBase, uidSlots - 1) + uidRangeSize <= 2 ** 31)
})
