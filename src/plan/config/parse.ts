/** croft.toml as what one layer says. What is wrong is told with file, line and column, and the name that was probably meant. */
import type { AppConfig } from '../../api/app.ts'
import { CroftError } from '../../api/errors.ts'
import { nearest } from '../../api/nearest.ts'
import { printableLine } from '../../api/printable.ts'
import { flat, type Issue } from './issues.ts'
import { namesAt, segmentsOf } from './paths.ts'
import type { Where } from './placed.ts'
import { CroftToml } from './schema.ts'
import { type Place, placeKey, readToml, type TomlText } from './toml.ts'

export interface AppFile {
  readonly config: AppConfig
  readonly where: Where
}

export const parseAppFile = (text: string, file?: string): AppConfig => readAppFile(text, file).config

/** With the place of each value, for what is wrong only together with other layers. */
export function readAppFile(text: string, file = 'croft.toml'): AppFile {
  const { tree, places, values } = readToml(text, file)
  const result = CroftToml.safeParse(tree)
  if (result.success) return { config: result.data, where: (path) => placeOf({ places, values }, file, path) }
  const told = flat(result.error.issues).flatMap((issue) => lines(issue, { places, values }, file))
  const most = 8
  const more = told.length > most ? [`and ${told.length - most} more`] : []
  throw new CroftError('BAD_VALUE', [...told.slice(0, most), ...more].map(printableLine).join('\n'), {
    hint: 'croft help toml',
  })
}

function placeOf(
  { places, values }: Pick<TomlText, 'places' | 'values'>,
  file: string,
  path: string,
): string | undefined {
  const parts = partsOf(path)
  for (let length = parts.length; length > 0; length--) {
    const key = placeKey(parts.slice(0, length))
    const place = values.get(key) ?? places.get(key)
    if (place) return `${file}:${place.line}:${place.column}`
  }
  return undefined
}

/** Also of a table, which is no value. */
function partsOf(path: string): readonly string[] {
  try {
    return segmentsOf(path)
  } catch {
    return path.split('.')
  }
}

function lines(issue: Issue, { places, values }: Pick<TomlText, 'places' | 'values'>, file: string): string[] {
  const { path, message, unknown = [] } = issue
  const shown = ({ line, column }: Place): string => `${file}:${line}:${column}`
  const where = (path: readonly string[]): string => {
    for (let length = path.length; length > 0; length--) {
      const place = places.get(placeKey(path.slice(0, length)))
      if (place) return shown(place)
    }
    return file
  }
  const value = issue.ofName ? undefined : values.get(placeKey(path))
  if (unknown.length === 0) return [`${value ? shown(value) : where(path)}: ${path.join('.').slice(0, 200)} ${message}`]
  return unknown.map((name) => `${where([...path, name])}: ${notKnown(path, name)}`)
}

/** `[daemon.web] has no "prot"; did you mean "port"?` */
export function notKnown(path: readonly string[], name: string): string {
  const near = nearest(name, namesAt(path))
  const at = path.length === 0 ? 'a croft.toml' : `[${path.join('.').slice(0, 100)}]`
  const meant = near === undefined ? `; it has ${namesAt(path).join(', ')}` : `; did you mean "${near}"?`
  return `${at} has no "${name.slice(0, 60)}"${meant}`
}
