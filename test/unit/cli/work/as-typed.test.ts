import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RemoteError } from '../../../../src/cli/wire/request.ts'
import { asTyped } from '../../../../src/cli/work/as-typed.ts'

test('a refused value is told by the word that was typed', () => {
  const told = (message: string, ...typed: string[]) =>
    (
      asTyped(
        new RemoteError({ code: 'BAD_VALUE', message, hint: 'croft help' }),
        typed.map((key) => [key, 'x'] as const),
      ) as RemoteError
    ).toBody()
  assert.deepEqual(told('bodyMax: "x" is no size', 'body-max'), {
    ...{ code: 'BAD_VALUE', message: 'body-max: "x" is no size', hint: 'croft help' },
  })
  assert.equal(told('edge.http.0: "x" is not an address', 'edge-http').message, 'edge-http: "x" is not an address')
  assert.equal(told('edge.previewDomain: "x" is none', 'preview-domain').message, 'preview-domain: "x" is none')
  assert.equal(told('bodyMax: "x" is no size', 'rate').message, 'bodyMax: "x" is no size')
  assert.equal(told('a.org belongs to route "b"', 'names').message, 'a.org belongs to route "b"')
  const other = new RemoteError({ code: 'REFUSED', message: 'bodyMax: no' })
  assert.equal(asTyped(other, [['body-max', 'x']]), other)
})
