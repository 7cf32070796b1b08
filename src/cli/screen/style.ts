/** How a stream may be written to: colours, signs, width. */
import { isPlain } from './escape.ts'

export interface Style {
  readonly colour: boolean
  readonly unicode: boolean
  /** Undefined without a terminal: then nothing is cut. */
  readonly columns: number | undefined
}

export type Tone = 'good' | 'warn' | 'bad' | 'dim' | 'bold'

type Env = Readonly<Record<string, string | undefined>>

export function styleOf(env: Env, stream: { tty: boolean; columns: number }): Style {
  return {
    colour: wantsColour(env, stream.tty),
    unicode: /utf-?8/i.test(env.LC_ALL || env.LC_CTYPE || env.LANG || ''),
    columns: stream.tty ? stream.columns : undefined,
  }
}

function wantsColour(env: Env, tty: boolean): boolean {
  if (env.NO_COLOR) return false
  if (env.CLICOLOR_FORCE && env.CLICOLOR_FORCE !== '0') return true
  return tty && env.TERM !== 'dumb'
}

const codes: Readonly<Record<Tone, string>> = { good: '32', warn: '33', bad: '31', dim: '2', bold: '1' }

export function paint(style: Style, tone: Tone | undefined, text: string): string {
  return style.colour && tone !== undefined && text !== '' ? `\u001b[${codes[tone]}m${text}\u001b[0m` : text
}

const plainSigns: ReadonlyMap<string, string> = new Map([
  ['●', '*'],
  ['○', '-'],
  ['◐', '~'],
  ['▲', '!'],
  ['✗', 'x'],
  ['✓', '+'],
  ['–', '-'],
  ['…', '...'],
  ['·', '|'],
  ['→', '->'],
  ['↩', '<-'],
  ['’', "'"],
])

/** Our own signs for a terminal that cannot show them. */
export function signs(style: Style, text: string): string {
  return style.unicode ? text : text.replace(/[●○◐▲✗✓–…·→↩’]/g, (sign) => plainSigns.get(sign) ?? sign)
}

/** Columns that a text takes: combining marks none, East Asian wide and emoji two. */
export function width(text: string): number {
  if (isPlain(text)) return text.length
  let columns = 0
  for (const letter of text) {
    if (/\p{M}/u.test(letter)) continue
    columns +=
      /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u.test(
        letter,
      )
        ? 2
        : 1
  }
  return columns
}

export function cut(text: string, columns: number, mark = '…'): string {
  if (width(text) <= columns) return text
  let kept = ''
  for (const letter of text) {
    if (width(kept + letter) > columns - width(mark)) break
    kept += letter
  }
  return width(mark) <= columns ? kept + mark : kept
}
