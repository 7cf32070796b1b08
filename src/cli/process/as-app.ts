/** In an instance of a site a command knows what its daemons know: their environment, user and folder. */
import { CroftError } from '../../api/errors.ts'
import type { Context } from '../context.ts'
import { parsePoint } from '../words/point.ts'

/** With --plain, and with a user of one's own choice, it is a guest like any other. */
export function asApp({ flags }: Context, guest: string, command: readonly string[]): readonly string[] {
  if (parsePoint(guest).kind !== 'instance' || flags.has('plain') || flags.has('user')) return command
  const folder = flags.text('cwd') ?? '/srv/app'
  if (!folder.startsWith('/')) throw new CroftError('USAGE', `--cwd takes a folder like /srv, not "${folder}"`)
  const said = flags.texts('env').filter((pair) => pair.includes('='))
  return ['sh', '-c', script, 'sh', folder, ...(said.length > 0 ? ['env', ...said] : []), ...shellOf(command)]
}

const shellOf = (command: readonly string[]): readonly string[] =>
  command.length > 0 ? command : ['sh', '-c', 'command -v bash >/dev/null && exec bash; exec sh']

/**
 * Of the guest's own shell; a constant. Where no environment was planted it is a guest like any other. What the service manager reads as the environment means the same to a shell: it is written in double
 * quotes, with what they give a meaning to escaped. Secrets go from there to the command and nowhere else.
 */
const script = `environment=/etc/croft/environment
folder=$1
shift
[ -r "$environment" ] || exec "$@"
set -a
. "$environment"
set +a
cd "$folder" || exit 125
export HOME=/srv/app USER=app LOGNAME=app
unset environment folder
exec setpriv --reuid app --regid app --init-groups --no-new-privs -- "$@"
`
