/** Writes docs/croft.schema.json, for editors, from the schema that croft.toml is read by. */
import { writeFileSync } from 'node:fs'
import { jsonSchema } from '../src/plan/config/json-schema.ts'

writeFileSync(new URL('../docs/croft.schema.json', import.meta.url), `${JSON.stringify(jsonSchema(), null, 2)}\n`)
