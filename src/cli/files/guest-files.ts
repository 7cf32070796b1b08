/**
 * The files of a guest, by small tools that work where they lie: of a running guest inside, of a stopped one in a root
 * of ours that holds its disk. The host itself opens none of their paths. The tools are those that busybox has as well.
 */
import { CroftError } from '../../api/errors.ts'
import type { Context } from '../context.ts'
import { insideProgram, outsideEnv, wayToFiles } from '../process/attach.ts'
import { type Program, runStreamed, type Streamed, type StreamedOptions } from '../process/spawn.ts'
import type { FilesCommand } from '../wire/request.ts'
import { parsePoint } from '../words/point.ts'

export interface Found {
  readonly kind: 'file' | 'folder' | 'link' | 'other'
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly size: number
}

export const toolsEnv = { LC_ALL: 'C', PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' }
const kinds: ReadonlyMap<number, Found['kind']> = new Map([
  [0o10, 'file'],
  [0o04, 'folder'],
  [0o12, 'link'],
])

export class GuestFiles {
  readonly guest: string
  readonly #how: FilesCommand

  constructor(guest: string, how: FilesCommand) {
    this.guest = guest
    this.#how = how
  }

  /** Of the thing itself, also when it is a link. Undefined when the tool says that it is not there. */
  async find(path: string): Promise<Found | undefined> {
    const { exit, said, text } = await this.ask('stat', '-c', '%f %u %g %s', path)
    if (exit !== 0 && /No such file or directory|Not a directory/.test(said)) return undefined
    const [mode = '', ...numbers] = text.trim().split(' ')
    const [uid = Number.NaN, gid = Number.NaN, size = Number.NaN] = numbers.map(Number)
    if (exit !== 0 || !/^[0-9a-f]{1,8}$/.test(mode) || [uid, gid, size].some(Number.isNaN)) {
      throw this.failed('stat', { exit, said })
    }
    const bits = Number.parseInt(mode, 16)
    return { kind: kinds.get(bits >> 12) ?? 'other', mode: bits & 0o7777, uid, gid, size }
  }

  /** Where a path leads when it is a link: the real one, and what is there. */
  async follow(path: string): Promise<{ readonly path: string; readonly found: Found | undefined }> {
    const found = await this.find(path)
    if (found?.kind !== 'link') return { path, found }
    const { exit, said, text } = await this.ask('readlink', '-f', path)
    const real = text.replace(/\n$/, '')
    if (exit !== 0 || !real.startsWith('/')) throw this.failed('readlink', { exit, said })
    return { path: real, found: await this.find(real) }
  }

  /** A tool that says little. */
  async ask(...words: string[]): Promise<Streamed & { readonly text: string }> {
    const parts: Buffer[] = []
    const ended = await this.run(words, { onOutput: (bytes) => parts.length < 1000 && parts.push(bytes) })
    return { ...ended, text: Buffer.concat(parts).toString('utf8') }
  }

  async askOk(...words: string[]): Promise<string> {
    const { text, ...ended } = await this.ask(...words)
    if (ended.exit !== 0) throw this.failed(words[0] ?? '', ended)
    return text
  }

  run(words: readonly string[], options: StreamedOptions): Promise<Streamed> {
    return runStreamed(this.program(words), options)
  }

  program(words: readonly string[]): Program {
    const how = this.#how
    if (how.where === 'inside') return insideProgram(how, { command: words, env: toolsEnv })
    return { file: how.file, args: [...how.args, ...words], env: { ...outsideEnv, ...how.env, LC_ALL: 'C' } }
  }

  failed(tool: string, { exit, said }: Streamed): CroftError {
    const last = said.trimEnd().split('\n').slice(-5).join('\n')
    if (exit === 127)
      return new CroftError('FAILED', `${this.guest} has no ${tool}\n${last}`, { hint: 'stop it first' })
    return new CroftError('FAILED', `${tool} in ${this.guest}: exit ${exit}${last === '' ? '' : `\n${last}`}`)
  }
}

export async function openFiles(context: Context, guest: string): Promise<GuestFiles> {
  return new GuestFiles(guest, await wayToFiles(context, guest))
}

export interface GuestPath {
  readonly guest: string
  readonly path: string
  readonly folder: boolean
}

/** `web:/etc/hosts`; undefined when the word has another shape. A slash at the end says: the folder. */
export function guestPath(word: string): GuestPath | undefined {
  const point = parsePoint(word)
  if (point.kind !== 'file' || point.guest === '') return undefined
  const path = point.path.replace(/\/+$/, '')
  return { guest: point.guest, path: path === '' ? '/' : path, folder: path !== point.path }
}

export const folderOf = (path: string): string => path.slice(0, path.lastIndexOf('/')) || '/'
export const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1)
export const within = (folder: string, name: string): string => `${folder === '/' ? '' : folder}/${name}`

/** A name beside the real one, for what is not whole yet. */
export const stagedName = (): string => `.croft-${crypto.randomUUID()}`
