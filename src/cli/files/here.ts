/** What of the folder one stands in is code: what git lists, or all but what is made of it. Paths are bytes, as latin1. */
import { lstatSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import type { Context } from '../context.ts'
import { runStreamed } from '../process/spawn.ts'
import { bytesOf } from './unpack.ts'

export interface Here {
  readonly paths: readonly string[]
  readonly commit?: string
  /** Something differs from that commit. */
  readonly dirty?: boolean
}

const notCode: ReadonlySet<string> = new Set(['.git', 'node_modules', '.venv', '__pycache__'])

export async function listHere(context: Context): Promise<Here> {
  const listed = await git('ls-files', '-z', '--cached', '--others', '--exclude-standard', '--deduplicate')
  if (listed === undefined) {
    context.say('git does not list this folder: all goes but .git and node_modules')
    return { paths: await walk('.') }
  }
  const paths = listed.split('\0').filter((path) => path !== '' && isFile(path))
  const commit = (await git('rev-parse', '--verify', '-q', 'HEAD'))?.trim()
  if (commit === undefined || commit === '') return { paths }
  const changed = await git('status', '--porcelain', '-z', '--untracked-files=normal', '--', '.')
  return { paths, commit, dirty: changed !== '' }
}

/** Gone, or a folder that is a repository of its own: git lists them all the same. */
function isFile(path: string): boolean {
  const stats = lstatSync(bytesOf(path), { throwIfNoEntry: false })
  return stats !== undefined && !stats.isDirectory()
}

async function walk(folder: string): Promise<string[]> {
  const found: string[] = []
  for (const entry of await readdir(bytesOf(folder), { encoding: 'latin1', withFileTypes: true })) {
    if (notCode.has(entry.name)) continue
    const path = folder === '.' ? entry.name : `${folder}/${entry.name}`
    if (entry.isDirectory()) found.push(...(await walk(path)))
    else found.push(path)
  }
  return found.sort()
}

/** Undefined when git is not there, or knows no repository here. It looks only: no hook runs, nothing is written. */
async function git(...args: string[]): Promise<string | undefined> {
  const chunks: Buffer[] = []
  const quiet = ['--no-optional-locks', '-c', 'core.fsmonitor=false', '-C', process.cwd()]
  const env = { ...(process.env as Record<string, string>), LC_ALL: 'C' }
  const program = { file: 'git', args: [...quiet, ...args], env }
  const ended = await runStreamed(program, { onOutput: (bytes) => chunks.push(bytes) }).catch(() => undefined)
  return ended?.exit === 0 ? Buffer.concat(chunks).toString('latin1') : undefined
}
