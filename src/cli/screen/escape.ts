/** What comes from a guest or from the server is shown, never obeyed: no control character reaches a terminal. */

/** Letters that hide nothing and take one column, our own signs among them: for these no class of Unicode is compiled, 1 ms. */
export const isPlain = (text: string): boolean => /^[\x20-\x7e●○◐▲✗✓–…·→↩’]*$/.test(text)

const hidden = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu
const hiddenButNewline = /(?![\n])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu

const named: ReadonlyMap<string, string> = new Map([
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
  ['\u001b', '\\e'],
])

/** One line, whatever it was. */
export const oneLine = (text: string): string => (isPlain(text) ? text : text.replace(hidden, escaped))

/** Several lines; only their ends stay as they are, tabs become spaces. */
export function lines(text: string): string {
  const tidy = text.replaceAll('\r\n', '\n').replaceAll('\t', '    ')
  return isPlain(tidy.replaceAll('\n', '')) ? tidy : tidy.replace(hiddenButNewline, escaped)
}

/** JSON that stays the same value: what JSON.stringify lets through is written as \uXXXX. */
export const json = (text: string): string =>
  text.replace(/[\u007f-\u009f\p{Cf}\p{Zl}\p{Zp}]/gu, (found) => {
    let units = ''
    for (let index = 0; index < found.length; index++) units += `\\u${hex(found.charCodeAt(index), 4)}`
    return units
  })

function escaped(found: string): string {
  const name = named.get(found)
  if (name !== undefined) return name
  const code = found.codePointAt(0) ?? 0
  return code < 256 ? `\\x${hex(code, 2)}` : `\\u{${hex(code, 4)}}`
}

const hex = (code: number, width: number): string => code.toString(16).padStart(width, '0')
