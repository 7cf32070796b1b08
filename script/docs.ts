/** Writes docs/cli.md from the table of commands. */
import { writeFileSync } from 'node:fs'
import { reference } from '../src/cli/reference.ts'
import { commands } from '../src/cli/table.ts'

writeFileSync(new URL('../docs/cli.md', import.meta.url), reference(commands))
