/** What croft.toml may say, for editors: docs/croft.schema.json. */
import { z } from 'zod'
import { CroftToml } from './schema.ts'

export function jsonSchema(): object {
  return {
    title: 'croft.toml',
    description: 'an application: how it is built, what of it runs, where it is reached',
    ...z.toJSONSchema(CroftToml, { io: 'input', unrepresentable: 'any' }),
  }
}
