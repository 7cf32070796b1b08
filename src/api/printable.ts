/** Values of others in our messages are shown, never obeyed: no control character gets into an answer or a log. */

/** Line ends stay; everything else that is not to be seen is written as its number. */
export const printable = (text: string): string => text.replace(/(?!\n)[\p{C}\p{Zl}\p{Zp}]/gu, numbered)

export const printableLine = (text: string): string => printable(text.replace(/\s+/g, ' '))

function numbered(character: string): string {
  return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`
}
