/** Writes docs/openapi.json from the route table. */
import { writeFileSync } from 'node:fs'
import { openapi } from '../src/api/openapi.ts'
import { version } from '../src/version.ts'

writeFileSync(new URL('../docs/openapi.json', import.meta.url), `${JSON.stringify(openapi(version), null, 2)}\n`)
