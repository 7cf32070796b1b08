import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { compareKeys, prefixEnd, rangeOf } from '../../src/store/local/keys.ts'

const text = fc.string({ unit: 'binary', maxLength: 4 })
const byBytes = (left: string, right: string): number =>
  Math.sign(Buffer.compare(Buffer.from(left), Buffer.from(right)))

describe('store keys', () => {
  it('have the order of their bytes', () => {
    fc.assert(fc.property(text, text, (left, right) => Math.sign(compareKeys(left, right)) === byBytes(left, right)))
  })

  it('with a prefix are those before its end', () => {
    const isInside = (key: string, prefix: string): boolean => {
      const { low, high } = rangeOf(prefix, undefined, false)
      return compareKeys(key, low) >= 0 && (high === undefined || compareKeys(key, high) < 0)
    }
    fc.assert(
      fc.property(text, text, text, (key, prefix, rest) => {
        assert.equal(isInside(key, prefix), key.startsWith(prefix))
        assert.ok(isInside(prefix + rest, prefix))
      }),
    )
  })

  it('know where there is no end', () => {
    assert.equal(prefixEnd(''), undefined)
    assert.equal(prefixEnd('\u{10ffff}\u{10ffff}'), undefined)
    assert.equal(prefixEnd('a\u{10ffff}'), 'b')
    assert.equal(prefixEnd('\ud7ff'), '\ue000')
    assert.equal(prefixEnd('guests/'), 'guests0')
  })
})
