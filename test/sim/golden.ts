/** A story's log against test/sim/NAME/expected.log. CROFT_GOLDEN=write writes it anew: read the difference before you commit. */
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export function assertGolden(name: string, lines: readonly string[]): void {
  const folder = join(import.meta.dirname, name)
  const file = join(folder, 'expected.log')
  const text = `${lines.join('\n')}\n`
  if (process.env.CROFT_GOLDEN === 'write') {
    mkdirSync(folder, { recursive: true })
    writeFileSync(file, text)
  }
  assert.equal(text, readFileSync(file, 'utf8'), `${file} tells another story; CROFT_GOLDEN=write makes it this one`)
}
