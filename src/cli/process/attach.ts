/** Entering a guest: the daemon says how, lxc-attach does it. */
import { CroftError, isCode } from '../../api/errors.ts'
import type { Context } from '../context.ts'
import type { AttachCommand, FilesCommand } from '../wire/request.ts'
import type { Entrance } from '../wire/upgrade.ts'
import type { Account } from './account.ts'
import type { Program } from './spawn.ts'

type Env = Readonly<Record<string, string | undefined>>

export async function attachProgram(context: Context, guest: string, command: readonly string[]): Promise<Program> {
  const { flags, io } = context
  if (flags.has('tty') && !(io.stdinTty && io.stdout.tty)) {
    throw new CroftError('USAGE', '--tty needs a terminal on stdin and stdout', { hint: 'without it pipes will do' })
  }
  const given = givenEnv(context)
  const how = await wayInto(context, guest)
  const asked = flags.text('user')
  const account = asked === undefined ? undefined : await (await import('./account.ts')).findAccount(how, guest, asked)
  const as = account ? { HOME: account.home, USER: account.name } : {}
  return insideProgram(asUser(how, account), {
    command: inFolder(flags.text('cwd'), account && command.length === 0 ? [account.shell] : command),
    env: { ...insideEnv(io.env), ...as, ...given },
  })
}

function asUser(how: AttachCommand, account: Account | undefined): AttachCommand {
  if (!account) return how
  if (how.afar) return { ...how, afar: { ...how.afar, user: { uid: account.uid, gid: account.gid } } }
  const end = how.args.indexOf('--')
  const own = end < 0 ? how.args : how.args.slice(0, end)
  return { ...how, args: [...own, '-u', String(account.uid), '-g', String(account.gid)] }
}

/** lxc-attach goes to no folder; the shell of the guest does, by a line that is always the same. */
function inFolder(folder: string | undefined, command: readonly string[]): readonly string[] {
  if (folder === undefined) return command
  if (!folder.startsWith('/')) throw new CroftError('USAGE', `--cwd takes a folder like /srv, not "${folder}"`)
  return ['sh', '-c', 'cd "$1" || exit 125; shift; exec "$@"', 'sh', folder, ...command]
}

/** What is set inside goes before the daemon's `--`, the words of the command behind it. */
export function insideProgram(
  how: AttachCommand,
  inside: { readonly command: readonly string[]; readonly env: Readonly<Record<string, string>> },
): Program {
  if (how.afar) return { ...nowhere, afar: { ...how.afar, start: { ...inside, ...userOf(how.afar) } } }
  const end = how.args.indexOf('--')
  const own = end < 0 ? how.args : how.args.slice(0, end)
  const set = Object.entries(inside.env).flatMap(([key, value]) => ['-v', `${key}=${value}`])
  const command = inside.command.length === 0 ? [] : ['--', ...inside.command]
  return { file: how.file, args: [...own, ...set, ...command], env: { ...outsideEnv, ...how.env } }
}

const nowhere = { file: '', args: [], env: {} }
const userOf = ({ user }: Entrance) => (user ? { user } : {})

/** Root of the guest's host runs lxc-attach itself; for all others the daemon does. */
async function byHand<T>(context: Context, ask: () => Promise<T>, session: T): Promise<T> {
  if (context.farm !== undefined || process.getuid?.() !== 0) return session
  try {
    return await ask()
  } catch (thrown) {
    if (isCode(thrown, 'ELSEWHERE')) return session
    throw thrown
  }
}

function wayInto(context: Context, guest: string): Promise<AttachCommand> {
  const open = () => context.client.upgrade('execGuest', { params: { guest } })
  const session = { ...nowhere, afar: { open } }
  return byHand(context, () => context.client.request('attachGuest', { params: { guest } }), session)
}

export function wayToFiles(context: Context, guest: string, signal?: AbortSignal): Promise<FilesCommand> {
  const open = () => context.client.upgrade('execGuest', { params: { guest }, query: { files: 1 } })
  const session: FilesCommand = { ...nowhere, where: 'inside', afar: { open } }
  return byHand(context, () => context.client.request('attachFiles', { params: { guest }, signal }), session)
}

export function wayToConsole(context: Context, guest: string): Promise<Program> {
  const ask = async (): Promise<Program> => {
    const { file, args, env } = await context.client.request('attachConsole', { params: { guest } })
    return { file, args, env: { ...outsideEnv, ...env } }
  }
  const open = () => context.client.upgrade('execGuest', { params: { guest }, query: { console: 1 } })
  return byHand(context, ask, { ...nowhere, afar: { open, start: { command: [], env: {} } } })
}

export const outsideEnv = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C.UTF-8', HOME: '/root' }

/** Nothing of the caller's environment goes in but the kind of terminal. */
function insideEnv(env: Env): Record<string, string> {
  const terminal = env.TERM ?? ''
  return {
    TERM: /^[A-Za-z0-9][A-Za-z0-9._+-]{0,60}$/.test(terminal) ? terminal : 'dumb',
    LANG: 'C.UTF-8',
    HOME: '/root',
    USER: 'root',
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  }
}

function givenEnv(context: Context): Record<string, string> {
  return Object.fromEntries(
    context.flags.texts('env').map((word): [string, string] => {
      const match = /^([A-Za-z_][A-Za-z0-9_]*)=([^\0]*)$/s.exec(word)
      if (!match) throw new CroftError('USAGE', `"${word}" is not KEY=VALUE`)
      return [match[1] ?? '', match[2] ?? '']
    }),
  )
}
