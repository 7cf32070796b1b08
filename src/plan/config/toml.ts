/** Text of TOML as plain values, and where each name stood. */
import { type AST, ParseError, parseTOML } from 'toml-eslint-parser'
import { CroftError } from '../../api/errors.ts'
import { printableLine } from '../../api/printable.ts'
import { unsafeNames } from './values.ts'

export interface Place {
  readonly line: number
  readonly column: number
}
export interface TomlText {
  readonly tree: Readonly<Record<string, unknown>>
  /** By path, joined with zero bytes, which no name holds. */
  readonly places: ReadonlyMap<string, Place>
  /** Where its value begins, of each that has one. */
  readonly values: ReadonlyMap<string, Place>
}
export const placeKey = (path: readonly string[]): string => path.join('\0')

const mostBytes = 64 * 1024
const deepest = 12

export function readToml(text: string, file: string): TomlText {
  if (text.length > mostBytes)
    throw new CroftError('BAD_VALUE', `${file} has more than ${mostBytes / 1024} KiB`, { hint: 'croft help toml' })
  const tree = bare()
  const places = new Map<string, Place>()
  const values = new Map<string, Place>()
  const walk = walker({ places, values }, file)
  for (const node of syntax(text.replace(/^\u{feff}/u, ''), file).body[0].body) {
    if (node.type === 'TOMLKeyValue') walk.pair(tree, [], node)
    else walk.table(tree, node)
  }
  return { tree, places, values }
}

function syntax(text: string, file: string): AST.TOMLProgram {
  try {
    return parseTOML(text, { tomlVersion: '1.0.0' })
  } catch (thrown) {
    if (thrown instanceof ParseError)
      throw (
        atMissing(text, file, thrown) ??
        at(file, { line: thrown.lineNumber, column: thrown.column + 1 }, lower(thrown.message))
      )
    // The parser's own stack: what is nested so deep is no configuration.
    if (thrown instanceof RangeError) throw new CroftError('BAD_VALUE', `${file} is nested too deep`)
    throw thrown
  }
}
/** That something is missing is only noticed at what stands behind, lines later. */
function atMissing(text: string, file: string, { lineNumber }: ParseError): CroftError | undefined {
  const lines = text.split(/\r?\n/)
  for (let line = lineNumber; line > 0; line--) {
    const said = lines[line - 1] ?? ''
    for (const [pattern, what] of missing) {
      const open = pattern.exec(said)
      if (open) return at(file, { line, column: open[0].length + 1 }, what)
    }
    if (line < lineNumber && !/^\s*(#.*)?$/.test(said)) return undefined
  }
  return undefined
}
const missing = [
  [/^[^#="']*=(?=\s*(#.*)?$)/, 'the value behind = is missing'],
  [/^\s*\[[\w.-]+(?=\s*(#.*)?$)/, 'the ] is missing'],
  [/^[^#="']*=\s*(?=(?!(true|false|inf|nan)\b)[a-zA-Z][^"'#]*$)/, 'a text stands in quotes: "like this"'],
] as const
const lower = (text: string): string => text.slice(0, 1).toLowerCase() + text.slice(1)

export const at = (file: string, { line, column }: Place, message: string): CroftError =>
  new CroftError('BAD_VALUE', printableLine(`${file}:${line}:${column}: ${message}`), { hint: 'croft help toml' })

interface Found {
  readonly places: Map<string, Place>
  readonly values: Map<string, Place>
}

function walker({ places, values }: Found, file: string) {
  const place = (node: AST.TOMLNode): Place => ({ line: node.loc.start.line, column: node.loc.start.column + 1 })

  /** The table that a key's last word stands in; those on the way are made. */
  const into = (
    from: Record<string, unknown>,
    above: readonly string[],
    keys: readonly (AST.TOMLBare | AST.TOMLQuoted)[],
  ) => {
    let table = from
    const path = [...above]
    for (const [index, key] of keys.entries()) {
      const name = nameOf(key)
      path.push(name)
      if (unsafeNames.has(name)) throw at(file, place(key), `"${name}" cannot be a name`)
      if (path.length > deepest) throw at(file, place(key), 'is nested too deep')
      if (!places.has(placeKey(path))) places.set(placeKey(path), place(key))
      if (index < keys.length - 1) table = child(table, name, key)
    }
    return { table, path }
  }
  const child = (table: Record<string, unknown>, name: string, node: AST.TOMLNode): Record<string, unknown> => {
    const inside = table[name] ?? bare()
    if (typeof inside !== 'object' || Array.isArray(inside)) throw at(file, place(node), `"${name}" is no table`)
    table[name] = inside
    return inside as Record<string, unknown>
  }
  const pair = (from: Record<string, unknown>, above: readonly string[], node: AST.TOMLKeyValue): void => {
    const { table, path } = into(from, above, node.key.keys)
    values.set(placeKey(path), place(node.value))
    table[path.at(-1) ?? ''] = read(node.value, path)
  }
  const read = (node: AST.TOMLContentNode, path: readonly string[]): unknown => {
    if (node.type === 'TOMLValue') return node.value
    if (path.length > deepest) throw at(file, place(node), 'is nested too deep')
    if (node.type === 'TOMLArray') return node.elements.map((each, index) => element(each, [...path, String(index)]))
    const table = bare()
    for (const each of node.body) pair(table, path, each)
    return table
  }
  const element = (node: AST.TOMLContentNode, path: readonly string[]): unknown => {
    places.set(placeKey(path), place(node))
    return read(node, path)
  }
  return {
    pair,
    table(tree: Record<string, unknown>, node: AST.TOMLTable): void {
      if (node.kind === 'array') throw at(file, place(node), 'a list of tables says nothing here; write [name] once')
      const { table, path } = into(tree, [], node.key.keys)
      const inside = child(table, path.at(-1) ?? '', node)
      for (const each of node.body) pair(inside, path, each)
    },
  }
}

const nameOf = (key: AST.TOMLBare | AST.TOMLQuoted): string => (key.type === 'TOMLBare' ? key.name : key.value)
const bare = (): Record<string, unknown> => Object.create(null) as Record<string, unknown>
