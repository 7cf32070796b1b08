/** INI as Python's configparser reads it: sections, `key = value` or `key: value`, lines that go on when they are indented. */
import { CroftError } from '../../../api/errors.ts'
import { printableLine } from '../../../api/printable.ts'

/** Section → key → value; before the first section it is ''. */
export type Ini = ReadonlyMap<string, Map<string, string>>

export function readIni(text: string, file: string): Ini {
  const sections = new Map<string, Map<string, string>>()
  let section = ''
  let last: string | undefined
  for (const [index, line] of joined(text).split(/\r?\n/).entries()) {
    if (/^\s*([#;].*)?$/.test(line)) continue
    const title = /^\[([^\]]+)\]\s*$/.exec(line)?.[1]?.trim()
    const [, key, value = ''] = /^(?:export\s+)?([^\s=:[][^=:]*?)\s*[=:]\s*(.*)$/.exec(line) ?? []
    const table = sections.get(title ?? section) ?? new Map<string, string>()
    if (title !== undefined) {
      section = title
      last = undefined
    } else if (/^\s/.test(line) && last !== undefined) table.set(last, `${table.get(last) ?? ''}\n${line.trim()}`)
    else if (key !== undefined) {
      last = key
      table.set(key, value.trim())
    } else
      throw new CroftError(
        'BAD_VALUE',
        printableLine(`${file}:${index + 1}: this is no line of an INI file: ${line.slice(0, 60)}`),
      )
    sections.set(section, table)
  }
  return sections
}

/** A list of a shell over several lines, `(a\nb)`, is one text. */
const joined = (text: string): string =>
  text.replaceAll(
    /=[ \t]*\(([^)]*\n[^)]*)\)[ \t]*$/gm,
    (_, body: string) => `=${words(body)}${body.replaceAll(/[^\n]/g, '')}`,
  )

/** Texts without line ends. */
export const words = (text: string): string => text.replaceAll(/\s+/g, ' ').trim()

/** A name of croft's for one of theirs: `Daily housekeeping` → `daily-housekeeping`. */
export const partName = (text: string): string =>
  text
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replace(/^[^a-z]+/, '')
    .slice(0, 32)
    .replace(/-+$/, '') || 'job'

/** `mysql://shop:secret@db/shop`: the password becomes a secret's name, and is told to nobody. */
export function withoutPassword(name: string, value: string, notes: string[]): string {
  const match = /^([a-z][a-z0-9+.-]*:\/\/[^/@\s:]*:)([^@\s/]+)(@.*)$/is.exec(value)
  if (!match || match[2]?.startsWith('${')) return value
  const secret = `${name.replaceAll(/\W/g, '_').toUpperCase()}_PASSWORD`
  notes.push(`${name} holds a password, which croft.toml must not: croft secret set SITE ${secret}`)
  return `${match[1]}\${secret.${secret}}${match[3]}`
}
