/** `key=value` words as a change of a route. Values go as typed: the server reads and checks them. Passwords come by stdin. */
import type { RouteChange } from '../../../api/edge.ts'
import { CroftError } from '../../../api/errors.ts'
import type { Context } from '../../context.ts'

export async function readRouteSettings(context: Context): Promise<RouteChange> {
  const change: Record<string, string> = {}
  const users: string[] = []
  for (const [key, value] of context.settings) {
    if (key === 'user') users.push(value)
    else change[wireName(key)] = value
  }
  // The type is what the schema makes of it; on the wire these are still the words.
  return { ...change, ...(users.length > 0 ? await readUsers(context, users) : {}) } as RouteChange
}

/** `body-max` → `bodyMax` */
export const wireName = (key: string): string =>
  key.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())

async function readUsers(context: Context, words: readonly string[]): Promise<Pick<RouteChange, 'users' | 'anybody'>> {
  const users: Record<string, string | null> = {}
  for (const word of words) if (word.startsWith('-')) users[word.slice(1)] = null
  const wanted = words.filter((word) => word !== '' && !word.startsWith('-'))
  const passwords = await readPasswords(context, wanted)
  for (const [index, name] of wanted.entries()) users[name] = passwords[index] ?? ''
  return { users, ...(words.includes('') ? { anybody: true } : {}) }
}

/** One line for each. */
async function readPasswords(context: Context, names: readonly string[]): Promise<string[]> {
  if (names.length === 0) return []
  const { io } = context
  const lines: string[] = []
  if (io.stdinTty) for (const name of names) lines.push((await io.askHidden(`password of ${name}: `)) ?? '')
  else lines.push(...(await io.readStdin()).split(/\r?\n/).slice(0, names.length))
  if (names.every((_, index) => (lines[index] ?? '') !== '')) return lines
  throw new CroftError(
    'USAGE',
    `a password of ${names.join(', ')} is wanted, from the terminal or a line of stdin each`,
    {
      hint: 'croft help route set',
    },
  )
}
