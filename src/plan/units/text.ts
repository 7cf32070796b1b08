/** How words are written into files of the service manager. */
import { CroftError } from '../../api/errors.ts'

/** systemd.syntax(7): in quotes, with escapes of C; specifiers and variables are none. */
export function quoted(word: string, option: { readonly expands?: boolean } = {}): string {
  const escaped = word.replace(/[\\"\p{C}\p{Zl}\p{Zp}]/gu, numbered)
  return `"${option.expands ? escaped.replaceAll('%', '%%').replaceAll('$', '$$$$') : escaped}"`
}
function numbered(character: string): string {
  if (character === '\\' || character === '"') return `\\${character}`
  if (character === '\n') return '\\n'
  const code = character.codePointAt(0) ?? 0
  return code < 0x80 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\U${code.toString(16).padStart(8, '0')}`
}

/** Percent is doubled where the manager reads specifiers. */
export const literal = (text: string): string => text.replaceAll('%', '%%')

/** Of systemd.exec(5), EnvironmentFile=: in double quotes a line may end, and four characters are escaped. */
export function environmentText(env: Readonly<Record<string, string>>): string {
  return Object.entries(env)
    .map(([name, value]) => `${name}="${value.replace(/["\\`$]/g, '\\$&').replaceAll('\0', '')}"\n`)
    .join('')
}

export type Section = readonly (readonly [key: string, value: string])[]
export interface UnitText {
  readonly Unit: Section
  readonly Service?: Section
  readonly Timer?: Section
  readonly Install?: Section
}

/**
 * Text of a unit. `over` is what the user says of it: `Restart` is of the service, `Unit.After` of that section. It takes the place of
 * what croft says under that name.
 */
export function unitText(unit: UnitText, over: Readonly<Record<string, string>> = {}): string {
  const said = Object.entries(over).map(([path, value]): [string, string, string] => {
    const [first = '', second] = path.split('.')
    return second === undefined ? ['Service', first, value] : [first, second, value]
  })
  return ['Unit', 'Service', 'Timer', 'Install']
    .flatMap((name) => {
      const mine = said.filter(([section]) => section === name)
      const ours = (unit[name as keyof UnitText] ?? []).filter(([key]) => !mine.some(([, theirs]) => theirs === key))
      const lines = [...ours, ...mine.map(([, key, value]) => [key, value] as const)]
      for (const [key, value] of lines) refuseBreak(`${name}.${key}`, value)
      return lines.length === 0 ? [] : [`[${name}]\n${lines.map(([key, value]) => `${key}=${value}\n`).join('')}`]
    })
    .join('\n')
}

/** A line that does not end where it seems to would be read as options of its own. */
function refuseBreak(option: string, value: string): void {
  if (/[\p{Cc}\p{Zl}\p{Zp}]/u.test(value) || value.endsWith('\\'))
    throw new CroftError('BAD_VALUE', `${option} of a unit would not end with its line`)
}
