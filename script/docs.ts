/** Writes docs/cli.md from the table of commands. */
import { writeFileSync } from 'node:fs'
import { commands } from '../src/cli/table.ts'
import { reference } from '../src/cli/words/reference.ts'

writeFileSync(new URL('../docs/cli.md', import.meta.url), reference(commands))
