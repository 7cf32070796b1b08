/** Single values of one layer, as `croft config set` names them. */
import type { AppConfig } from '../../api/app.ts'
import { CroftError } from '../../api/errors.ts'
import { flat } from './issues.ts'
import { notKnown } from './parse.ts'
import { flatten, segmentsOf, unflatten } from './paths.ts'
import { CroftToml } from './schema.ts'
import { unsafeNames } from './values.ts'

/** Refuses what is nothing of a configuration, with what was probably meant. */
export function checkPath(path: string): readonly string[] {
  const segments = segmentsOf(path)
  const unsafe = segments.find((name) => unsafeNames.has(name))
  if (unsafe !== undefined) throw new CroftError('BAD_VALUE', `"${unsafe}" cannot be a name`)
  return segments
}

/** Texts are read as croft.toml would mean them: `8080` is a port, `a,b` a list. */
export function setValue(config: AppConfig, path: string, value: unknown): AppConfig {
  const segments = checkPath(path)
  const said = segments.reduceRight<unknown>((inside, name) => ({ [name]: inside }), value)
  const result = CroftToml.safeParse(said)
  if (result.success) return unflatten(new Map([...flatten(config), ...flatten(result.data)]))
  const told = flat(result.error.issues).map((issue) => {
    const [unknown] = issue.unknown ?? []
    return unknown === undefined ? `${issue.path.join('.')} ${issue.message}` : notKnown(issue.path, unknown)
  })
  throw new CroftError('BAD_VALUE', told.join('\n'))
}

export function unsetValue(config: AppConfig, path: string): AppConfig {
  const flat = flatten(config)
  flat.delete(checkPath(path).join('.'))
  return unflatten(flat)
}
