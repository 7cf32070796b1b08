import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseArgs } from 'node:util'
import fc from 'fast-check'
import { type FlagName, flagNames, flagRow } from '../../../../src/cli/words/flags.ts'
import { tokens } from '../../../../src/cli/words/tokens.ts'

/** What Node makes of the same words. */
function byNode(args: readonly string[], names: readonly FlagName[]): ReturnType<typeof tokens> {
  const letters = new Set<string>()
  const options = Object.fromEntries(
    names.map((name) => {
      const { short, value, optional } = flagRow(name)
      const free = short !== undefined && !letters.has(short)
      if (free) letters.add(short)
      const type: 'string' | 'boolean' = value !== undefined && !optional ? 'string' : 'boolean'
      return [name, { type, ...(free ? { short } : {}) }]
    }),
  )
  const parsed = parseArgs({ args: [...args], options, strict: false, allowPositionals: true, tokens: true })
  return {
    words: parsed.tokens.filter((each) => each.kind === 'positional').map(({ value, index }) => ({ value, index })),
    options: parsed.tokens
      .filter((each) => each.kind === 'option')
      .map(({ name, rawName: raw, value, inlineValue: inline = false }) => ({ name, raw, value, inline })),
  }
}

test('words and flags are told apart as Node does it', () => {
  const known = flagNames.flatMap((name) => [`--${name}`, `--${name}=x`, `-${flagRow(name).short ?? 'Z'}`])
  const piece = fc.constantFrom('a', 'n', 'f', 'v', 'o', '-', '--', '=', ' ', 'é', '😀', '')
  const either = fc.oneof(
    fc.constantFrom(...known),
    fc.array(piece, { maxLength: 5 }).map((pieces) => pieces.join('')),
    fc.array(piece, { maxLength: 4 }).map((pieces) => `-${pieces.join('')}`),
    fc.string(),
  )
  // No flag of ours: a dash among letters, which Node may take for an end of flags, and a value without a name.
  const word = either.filter((text) => !/^-[^-].*-|^--=/s.test(text))
  fc.assert(
    fc.property(fc.array(word, { maxLength: 6 }), fc.shuffledSubarray([...flagNames]), (args, names) => {
      assert.deepEqual(tokens(args, names), byNode(args, names))
    }),
    { numRuns: 2000 },
  )
})
