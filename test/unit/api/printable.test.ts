import assert from 'node:assert/strict'
import { test } from 'node:test'
import { printable, printableLine } from '../../../src/api/printable.ts'

test('what is not to be seen is written as its number; lines stay lines', () => {
  assert.equal(
    printable('a\nb\u001b[31m\u0000\u202e\u2028\ud800é💥'),
    'a\nb\\u{1b}[31m\\u{0}\\u{202e}\\u{2028}\\u{d800}é💥',
  )
})

test('one line, whatever it was', () => {
  assert.equal(printableLine('a\r\n\tb\u0085c'), 'a b\\u{85}c')
})
