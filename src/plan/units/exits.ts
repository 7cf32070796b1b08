/** How daemons and jobs of an instance ended, from what its service manager wrote about them: pure. Nothing that they print themselves is read. */
import { cronUnit } from './cron.ts'
import { daemonUnit } from './daemon.ts'

export interface Exit {
  readonly kind: 'daemon' | 'cron'
  /** As croft.toml calls it. */
  readonly name: string
  readonly how: 'exited' | 'killed' | 'memory' | 'unstartable'
  /** Exit code or number of the signal. */
  readonly code: number
  /** Microseconds since 1970. */
  readonly at: number
}

/** A process ended; a unit failed; it will be started again. The catalogue of systemd keeps these ids for ever. */
const messages = {
  ended: '98e322203f7a4ed290d09fe03c09fe15',
  failed: 'd9b373ed55a64feb8242e02dbe79a49c',
  again: '5eb03494b6584870a536b337290809b3',
}
const mostRead = 200
const fields = 'MESSAGE_ID,UNIT,EXIT_CODE,EXIT_STATUS,UNIT_RESULT'

/** Behind that moment, in microseconds. */
export const exitWords = (since: number): readonly string[] => [
  ...['journalctl', '--quiet', '--no-pager', '--output=json', `--output-fields=${fields}`],
  ...[`--lines=${mostRead}`, `--since=@${Math.floor(since / 1e6)}`],
  ...['_PID=1', ...Object.values(messages).map((id) => `MESSAGE_ID=${id}`)],
]

type Line = Readonly<Record<string, unknown>>

export function parseExits(lines: readonly string[], since = 0): Exit[] {
  const exits: Exit[] = []
  for (const line of lines.flatMap(read)) {
    const at = Number(line.__REALTIME_TIMESTAMP)
    const unit = unitOf(line.UNIT)
    if (!unit || !(at > since)) continue
    const last = exits.findLast(({ kind, name }) => kind === unit.kind && name === unit.name)
    const isSame = last !== undefined && at - last.at < sameMicros
    if (line.MESSAGE_ID === messages.ended) exits.push({ ...unit, ...howOf(line), at })
    else if (line.MESSAGE_ID === messages.failed && isSame && line.UNIT_RESULT === 'oom-kill')
      exits[exits.indexOf(last)] = { ...last, how: 'memory' }
    // One that ended with 0 is told of only when it is started again.
    else if (line.MESSAGE_ID === messages.again && !isSame) exits.push({ ...unit, how: 'exited', code: 0, at })
  }
  return exits
}

/** From the end of a process to the words that it is started again, which come after its RestartSec. */
const sameMicros = 5e6

function read(line: string): Line[] {
  try {
    const found = JSON.parse(line)
    return typeof found === 'object' && found !== null ? [found] : []
  } catch {
    return []
  }
}

const [daemon, cron] = [daemonUnit('*'), `${cronUnit('*')}.service`].map((text) => text.split('*')) as [
  string[],
  string[],
]
function unitOf(unit: unknown): Pick<Exit, 'kind' | 'name'> | undefined {
  if (typeof unit !== 'string') return undefined
  for (const [kind, [before = '', behind = '']] of [
    ['daemon', daemon],
    ['cron', cron],
  ] as const)
    if (
      unit.startsWith(before) &&
      unit.endsWith(behind) &&
      /^[a-z0-9-]{1,40}$/.test(unit.slice(before.length, -behind.length))
    )
      return { kind, name: unit.slice(before.length, -behind.length) }
  return undefined
}

/** 200 and on: the service manager's own, from before the program ran. */
function howOf({ EXIT_CODE, EXIT_STATUS }: Line): Pick<Exit, 'how' | 'code'> {
  const code = Number(EXIT_STATUS)
  if (EXIT_CODE === 'killed' || EXIT_CODE === 'dumped') return { how: 'killed', code }
  return { how: code >= 200 && code <= 245 ? 'unstartable' : 'exited', code }
}

/** `could not be started (203/EXEC): its program is missing or cannot be run`, `ended with 1`, `was killed by signal 9, as when memory runs out`. */
export function exitText({ how, code }: Pick<Exit, 'how' | 'code'>): string {
  if (how === 'memory') return 'was killed: out of memory'
  if (how === 'killed') return `was killed by signal ${code}${code === 9 ? ', as when memory runs out' : ''}`
  if (how === 'exited') return `ended with ${code}`
  return `could not be started (${code}${starts[code] ?? ')'}`
}
const starts: Readonly<Record<number, string>> = {
  200: '/CHDIR): its folder is not there',
  203: '/EXEC): its program is missing or cannot be run',
  216: '/GROUP): its group is not there',
  217: '/USER): its user is not there',
  243: '/CREDENTIALS): a secret could not be handed over',
}

/** Ended so often in one gate, it will not get well: it is started each two seconds. */
const mostEnds = 3

/** Who of these cannot get well any more, and why; a job's end says nothing of a version. */
export function hopeless(exits: readonly Exit[]): { readonly daemon: string; readonly why: string } | undefined {
  const byName = Map.groupBy(
    exits.filter(({ kind }) => kind === 'daemon'),
    ({ name }) => name,
  )
  for (const [name, ends] of byName) {
    const last = ends.at(-1) as Exit
    if (last.how === 'unstartable') return { daemon: name, why: exitText(last) }
    if (ends.length >= mostEnds) return { daemon: name, why: `${exitText(last)}, ${ends.length} times` }
  }
  return undefined
}
