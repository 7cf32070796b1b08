/** Who is waited for, and who is not: every way from one to the other. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Hearing, hearingOf } from '../../../src/plan/route-state.ts'

const refuses = (seconds: number) => ({ answers: false, seconds })
const answers = { answers: true, seconds: 1 }

test('a guest that starts, or whose program starts again, is waited for as long as a request waits', () => {
  const told: [Hearing | undefined, Parameters<typeof hearingOf>[0]['seen'], number, Hearing | undefined][] = [
    [undefined, undefined, 99, undefined],
    [undefined, answers, 99, 'answers'],
    ['silent', answers, 99, 'answers'],
    ['waits', answers, 1, 'answers'],
    [undefined, refuses(0), 99, 'waits'],
    ['waits', refuses(9), 99, 'waits'],
    ['waits', refuses(10), 99, 'silent'],
    [undefined, refuses(10), 9, 'waits'],
    ['silent', refuses(50), 9, 'waits'],
    // New workers have asked nobody yet, or count from their own start: what was known holds.
    ['silent', undefined, 99, 'silent'],
    ['silent', refuses(0), 99, 'silent'],
    ['waits', undefined, 99, undefined],
    ['silent', undefined, 5, 'waits'],
  ]
  for (const [before, seen, ranSeconds, wanted] of told)
    assert.equal(
      hearingOf({ before, seen, ranSeconds, queueSeconds: 10 }),
      wanted,
      JSON.stringify([before, seen, ranSeconds]),
    )
})
