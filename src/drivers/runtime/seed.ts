/**
 * What is put on a disk before its first start, as the text of a tar archive that root owns. Pure. Values were checked where
 * they came from, and are again: a path is absolute, plain and short enough for the oldest form of tar.
 */
import type { SeedFile } from '../../api/app.ts'
import { CroftError } from '../../api/errors.ts'

const block = 512
const longest = 99
const mostBytes = 512 * 1024

export function seedArchive(files: readonly SeedFile[]): string {
  for (const file of files) checkSeedFile(file)
  const text = [...files.map(entryOf), '\0'.repeat(2 * block)].join('')
  if (Buffer.byteLength(text) <= mostBytes) return text
  throw new CroftError('TOO_LARGE', `what is to be put on the disk is more than ${mostBytes / 1024} KiB`)
}

/** Each folder on the way to a file: none of them may be a link, whoever made the disk. */
export function foldersOf(files: readonly SeedFile[]): readonly string[] {
  const found = new Set<string>()
  for (const file of files) {
    const parts = file.path.split('/').slice(1)
    const depth = 'folder' in file ? parts.length : parts.length - 1
    for (let count = 1; count <= depth; count++) found.add(`/${parts.slice(0, count).join('/')}`)
  }
  return [...found]
}

function checkSeedFile(file: SeedFile): void {
  const { path } = file
  if (!isPlain(path) || path.length > longest || !path.split('/').slice(1).every(isPart)) throw bad('path', path)
  if ('link' in file && (!isPlain(`/${file.link}`) || file.link.length > longest)) throw bad('link', file.link)
  if ('mode' in file && !(Number.isInteger(file.mode) && file.mode >= 0 && file.mode <= 0o777))
    throw bad('mode', String(file.mode))
  if ('text' in file && !file.text.isWellFormed()) throw bad('text of a file', path)
}

const isPlain = (path: string): boolean => /^\/[\x21-\x7e]+$/.test(path)
const isPart = (part: string): boolean => part !== '' && part !== '.' && part !== '..'

const bad = (what: string, value: string): CroftError =>
  new CroftError('BAD_VALUE', `seed: ${JSON.stringify(value.slice(0, 120))} is no ${what}`)

function entryOf(file: SeedFile): string {
  const name = file.path.slice(1)
  if ('link' in file) return header({ name, type: '2', mode: 0o777, size: 0, target: file.link })
  if ('folder' in file) return header({ name, type: '5', mode: file.mode, size: 0, target: '' })
  const size = Buffer.byteLength(file.text)
  const rest = '\0'.repeat((block - (size % block)) % block)
  return `${header({ name, type: '0', mode: file.mode, size, target: '' })}${file.text}${rest}`
}

interface Entry {
  readonly name: string
  readonly type: '0' | '2' | '5'
  readonly mode: number
  readonly size: number
  readonly target: string
}

/** All of ASCII, so that letters are bytes. */
function header({ name, type, mode, size, target }: Entry): string {
  const field = (text: string, room: number): string => text.padEnd(room, '\0')
  const octal = (value: number, room: number): string => `${value.toString(8).padStart(room - 1, '0')}\0`
  const before = field(name, 100) + octal(mode, 8) + octal(0, 8) + octal(0, 8) + octal(size, 12) + octal(0, 12)
  const behind = `${type}${field(target, 100)}ustar\x00${'00'}`
  const sum = [...`${before}        ${behind}`].reduce((total, letter) => total + letter.charCodeAt(0), 0)
  return field(`${before}${sum.toString(8).padStart(6, '0')}\0 ${behind}`, block)
}
