/** Files of other tools as croft.toml, with notes of what could not be taken over. */
import type { AppConfig } from '../../../api/app.ts'
import { CroftError } from '../../../api/errors.ts'
import { printableLine } from '../../../api/printable.ts'
import { flat } from '../issues.ts'
import { parseAppFile } from '../parse.ts'
import { CroftToml } from '../schema.ts'
import { tomlOf } from '../write.ts'
import { fromFlockr } from './flockr.ts'
import { readIni } from './ini.ts'
import { fromJvmctl } from './jvmctl.ts'
import { fromMetactl } from './metactl.ts'

export interface Imported {
  readonly toml: string
  readonly notes: readonly string[]
}

/** What a reader makes of a file: croft.toml's own words, which its schema has still to take. */
export interface Draft {
  readonly said: Record<string, unknown>
  readonly notes: string[]
}

const mostLetters = 256 * 1024

/** `name`: of the file; the application is called by its folder, or by what the file says. */
export function importAppFile(text: string, name: string, app?: string): Imported {
  if (text.length > mostLetters) throw new CroftError('BAD_VALUE', `${name} is too large for a configuration`)
  const { said, notes } = draftOf(text, name)
  const { config, refused } = accepted({
    ...said,
    app: { ...(app === undefined ? {} : { name: app }), ...(said.app as object) },
  })
  const toml = tomlOf(config, {}, [`Taken over from ${name.split('/').at(-1)} by croft app import`])
  parseAppFile(toml)
  return { toml, notes: [...notes, ...refused].map(printableLine) }
}

function draftOf(text: string, name: string): Draft {
  if (/\.ya?ml$/i.test(name) || /^(build|template|deploy):\s*$/m.test(text)) return fromFlockr(text, name)
  const ini = readIni(text, name)
  return ini.has('') || ini.has('jvm') ? fromJvmctl(ini) : fromMetactl(ini)
}

/** One value that croft cannot take is left out and told; it does not keep the rest from being taken. */
function accepted(said: Record<string, unknown>): { readonly config: AppConfig; readonly refused: readonly string[] } {
  const refused: string[] = []
  const left = structuredClone(said)
  for (;;) {
    const result = CroftToml.safeParse(left)
    if (result.success) return { config: result.data, refused }
    for (const { path, message, unknown } of flat(result.error.issues)) {
      const paths = unknown?.map((name) => [...path, name]) ?? [path]
      for (const each of paths) {
        refused.push(`${each.join('.').slice(0, 100)} ${unknown === undefined ? message : 'is not known'}: left out`)
        remove(left, each)
      }
    }
  }
}

function remove(table: Record<string, unknown>, path: readonly string[]): void {
  const [first = '', ...rest] = path
  const inside = table[first]
  if (rest.length === 0 || typeof inside !== 'object' || inside === null || Array.isArray(inside)) delete table[first]
  else remove(inside as Record<string, unknown>, rest)
}
