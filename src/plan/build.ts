/** What a build may use, where it may connect to, and what of it is kept. Pure. */
import type { CroftError } from '../api/errors.ts'
import type { Limits, Rule } from '../api/guest.ts'
import { wrongAt } from './config/wrong.ts'

/** The build's home; lasting, for each app one of its own. So every tool finds what it kept the last time. */
export const cacheFolder = '/var/cache/app'
export const largestConfigBytes = 256 * 1024
const processes = 1000

export interface BuildLimits {
  readonly memoryBytes: number
  readonly cpus: number
  readonly diskBytes: number
}

export const limitsOf = ({ memoryBytes, cpus, diskBytes }: BuildLimits): Limits => ({
  ...{ memoryBytes, cpus, diskBytes, processes },
})

export interface BuildRoom {
  readonly memoryBytes: number
  /** Of the pool; null: not known. */
  readonly freeBytes: number | null
}
const gib = 1024 ** 3
const usual = { memoryBytes: 2 * gib, diskBytes: 8 * gib }
const most = { memoryBytes: 8 * gib, cpus: 8, diskBytes: 32 * gib, timeoutSeconds: 7200 }

/** What a croft.toml may take for its build: four times the usual, and no more than half of what the host has. */
export function assertBuildFits(
  { memoryBytes, cpus, diskBytes, timeoutSeconds }: BuildLimits & { readonly timeoutSeconds: number },
  room: BuildRoom,
): void {
  const half = (has: number | null, least: number) => Math.max(least, (has ?? Number.POSITIVE_INFINITY) / 2)
  const memory = Math.min(most.memoryBytes, half(room.memoryBytes, usual.memoryBytes))
  const disk = Math.min(most.diskBytes, half(room.freeBytes, usual.diskBytes))
  if (memoryBytes > memory) throw tooMuch('memory', `${megabytes(memory)}M on this host`)
  if (cpus > most.cpus) throw tooMuch('cpus', String(most.cpus))
  if (diskBytes > disk) throw tooMuch('disk', `${megabytes(disk)}M on this host`)
  if (timeoutSeconds > most.timeoutSeconds) throw tooMuch('timeout', '2h')
}

const megabytes = (bytes: number): number => Math.floor(bytes / 1024 ** 2)
const tooMuch = (name: string, allowed: string): CroftError =>
  wrongAt(`build.${name}`, `build.${name} may be ${allowed} at most`, `${name} = "…" below [build] of croft.toml`)

/**
 * Out to the world as any guest, but to no other guest and nothing of this host. What clouds tell a host alone no guest
 * reaches that has no list of ways out, and names answer at an address of their own.
 */
export function rulesOf(farm: { readonly prefix4: string; readonly prefix6: string }, own: readonly string[]): Rule[] {
  return [farm.prefix4, farm.prefix6, ...own].map((peer) => ({
    ...{ action: 'deny', direction: 'out', peer, service: { protocol: 'any' }, log: false },
  }))
}

/** What a version is made of when nobody says one: a tag as it is called, else the commit. */
export function versionOf(from: {
  readonly tag?: string
  readonly commit?: string
  readonly dirty?: true
  readonly tree: string
}): string {
  const tag = from.tag?.toLowerCase().replaceAll(/[^a-z0-9._-]+/g, '-')
  if (tag !== undefined && /^[a-z0-9][a-z0-9._-]{0,40}$/.test(tag) && !tag.includes('..')) return tag
  if (from.commit === undefined) return from.tree.slice(0, 10)
  return `${from.commit.slice(0, 8)}${from.dirty ? `-dirty-${from.tree.slice(0, 6)}` : ''}`
}

/** `main`, `main-2`, `main-3`: the first that is free. */
export function freeVersion(wanted: string, taken: ReadonlySet<string>): string {
  for (let count = 1; ; count++) {
    const version = count === 1 ? wanted : `${wanted.slice(0, 37)}-${count}`
    if (!taken.has(version)) return version
  }
}

/** Words of find, which take away what none of the patterns names; undefined: all stays. */
export function withoutArtifacts(artifacts: readonly string[]): readonly string[] | undefined {
  if (artifacts.length === 0) return undefined
  const kept = artifacts.flatMap((pattern) => ['!', '-regex', regexOf(pattern)])
  return [
    ...['.', '-regextype', 'posix-extended', '-mindepth', '1', '-depth', ...kept],
    ...['(', '!', '-type', 'd', '-o', '-empty', ')', '-delete'],
  ]
}

/** `dist`, `public/*.css`, `src/** /*.js` (without the blank); a folder is all that is in it. */
function regexOf(pattern: string): string {
  const clean = pattern.replace(/^(\.\/)+/, '').replace(/\/+$/, '')
  if (clean === '' || clean.startsWith('/') || clean.split('/').includes('..') || /\p{Cc}/u.test(clean))
    throw wrongAt(
      'build.artifacts',
      `build.artifacts: "${pattern.slice(0, 100)}" is no path below the checkout`,
      'say it like dist, public/** or *.html',
    )
  const regex = clean.replaceAll(/\*\*\/|\*\*|\*|\?|[^\w/ -]/g, (part) => wild[part] ?? `\\${part}`)
  return `\\./${regex}(/.*)?`
}

const wild: Readonly<Record<string, string>> = { '**/': '(.*/)?', '**': '.*', '*': '[^/]*', '?': '[^/]' }

export interface CachedFile {
  readonly path: string
  readonly bytes: number
  readonly usedAt: number
}

/** What goes so that the rest has room: first what was longest not used. */
export function planEviction(files: readonly CachedFile[], budgetBytes: number): readonly string[] {
  let bytes = files.reduce((sum, file) => sum + file.bytes, 0)
  const gone: string[] = []
  for (const file of files.toSorted((a, b) => a.usedAt - b.usedAt)) {
    if (bytes <= budgetBytes) break
    bytes -= file.bytes
    gone.push(file.path)
  }
  return gone
}
