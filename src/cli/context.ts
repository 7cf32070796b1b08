/** What a command is given: its words, the daemon, and the ways to speak to whoever typed it. */
import { CroftError } from '../api/errors.ts'
import type { CommandRow, Noun } from './command.ts'
import type { Io } from './io.ts'
import type { Style } from './screen/style.ts'
import type { Client } from './wire/request.ts'
import type { Args } from './words/args.ts'
import type { Flags } from './words/flags.ts'

export interface Context {
  readonly row: CommandRow
  /** The noun that was said, for commands that take any. */
  readonly noun: Noun | undefined
  readonly args: Args
  readonly settings: readonly (readonly [key: string, value: string])[]
  readonly flags: Flags
  readonly command: readonly string[] | undefined
  readonly client: Client
  readonly io: Io
  /** Of stderr. */
  readonly style: Style
  readonly socketPath: string
  /** The farm from afar that is meant; undefined for this machine's own. */
  readonly farm: string | undefined
  /** JSON, YAML or names were asked for: nothing meant for eyes alone is worth a request. */
  readonly forMachines: boolean
  /** What a command that is repainted remembers from one look to the next. */
  readonly memory: Map<string, unknown>
  /** One line on stderr. */
  say(line: string): void
}

/** What enters a guest, or makes a host, does so by root of that host. */
export function requireHere(context: Context, what: string): void {
  if (context.farm === undefined) return
  throw new CroftError('REFUSED', `${what} is not possible from afar yet: it needs root on the host`, {
    hint: `ssh to the host and say it there (you speak to farm "${context.farm}"; croft use local)`,
  })
}

export function numberFlag(context: Context, name: 'tail' | 'limit' | 'parallel' | 'if-revision'): number | undefined {
  const text = context.flags.text(name)
  if (text === undefined) return undefined
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw new CroftError('USAGE', `--${name} takes a number, not "${text}"`)
}

/** `30s`, `5m`, `1h`, `500ms`, or seconds. */
export function durationFlag(context: Context, name: 'timeout'): number | undefined {
  const text = context.flags.text(name)
  if (text === undefined) return undefined
  const match = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h|)$/.exec(text)
  if (!match) throw new CroftError('USAGE', `--${name} takes a time like 30s or 5m, not "${text}"`)
  const unit = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }[match[2] || 's'] ?? 1000
  return Number(match[1]) * unit
}

/** The text of a file, or of stdin for `-`. */
export async function readInput(context: Context, path: string): Promise<string> {
  if (path === '-') return context.io.readStdin()
  try {
    return await context.io.readTextFile(path)
  } catch (cause) {
    throw new CroftError('USAGE', `"${path}" cannot be read: ${cause instanceof Error ? cause.message : cause}`, {
      cause,
    })
  }
}
