/** The one way to point at a thing: its shape says what it is. */
import { CroftError } from '../../api/errors.ts'

export type Pointed =
  | { readonly kind: 'guest'; readonly name: string }
  | { readonly kind: 'snapshot'; readonly guest: string; readonly snapshot: string }
  | { readonly kind: 'file'; readonly guest: string; readonly path: string }
  | { readonly kind: 'template'; readonly ref: string }
  | { readonly kind: 'site'; readonly name: string }
  | { readonly kind: 'instance'; readonly name: string }
  | { readonly kind: 'glob'; readonly pattern: string }

export function parsePoint(word: string): Pointed {
  const at = word.indexOf('@')
  if (at >= 0) return { kind: 'snapshot', guest: word.slice(0, at), snapshot: word.slice(at + 1) }
  const colon = word.indexOf(':')
  if (colon >= 0 && word[colon + 1] === '/') {
    return { kind: 'file', guest: word.slice(0, colon), path: word.slice(colon + 1) }
  }
  if (/[*?]/.test(word)) return { kind: 'glob', pattern: word }
  if (colon >= 0) return { kind: 'template', ref: word }
  const parts = word.split('/')
  if (parts.length === 2) return { kind: 'site', name: word }
  if (parts.length > 2) return { kind: 'instance', name: word }
  return { kind: 'guest', name: word }
}

/** What no guest, site or template is called: a domain, with a path or without, and a port. */
export const isRoute = (word: string): boolean =>
  /^(\*\.)?[^/:@*?]*\.[^/:@*?]*(\/[^:@]*)?$/.test(word) || /^([0-9.]*|\[[^\]]*\]):\d{1,5}$/.test(word)

/** `web@monday`, both sides there. */
export function parseSnapshot(word: string): { readonly guest: string; readonly snapshot: string } {
  const pointed = parsePoint(word)
  if (pointed.kind === 'snapshot' && pointed.guest !== '' && pointed.snapshot !== '') return pointed
  throw new CroftError('USAGE', `"${word}" is not a snapshot`, { hint: 'a snapshot looks like web@monday' })
}

/** `*` is any number of letters, `?` is one. Linear in both, whatever the pattern. */
export function globMatches(pattern: string, name: string): boolean {
  let at = 0
  let mark = -1
  let resume = 0
  let index = 0
  while (index < name.length) {
    if (pattern[at] === '*') {
      mark = at++
      resume = index
    } else if (pattern[at] === '?' || (at < pattern.length && pattern[at] === name[index])) {
      at++
      index++
    } else if (mark >= 0) {
      at = mark + 1
      index = ++resume
    } else return false
  }
  while (pattern[at] === '*') at++
  return at === pattern.length
}
