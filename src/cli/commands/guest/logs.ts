import { CroftError, isCode } from '../../../api/errors.ts'
import { type Answer, silent } from '../../answer.ts'
import { type Context, numberFlag } from '../../context.ts'
import { attachProgram } from '../../process/attach.ts'
import { lines } from '../../screen/escape.ts'
import { parsePoint } from '../../words/point.ts'
import { withInterrupt } from '../../work/follow.ts'
import { guestName } from '../../work/targets.ts'

const lookEveryMs = 1000

/** Where programs that do not know the journal write. */
const plainLogs = ['/var/log/messages', '/var/log/syslog']

export async function run(context: Context): Promise<Answer> {
  const word = context.args.one('GUEST')
  if (parsePoint(word).kind === 'site') return readSite(context, word)
  const guest = guestName(word)
  const wanted = matcher(context)
  checkBoot(context)
  if (context.flags.has('console')) return readConsole(context, guest, wanted)
  try {
    await mustHaveParts(context, guest)
    const exit = (await readJournal(context, guest)) ?? (await readPlain(context, guest, wanted))
    if (exit !== undefined) return silent(exit)
    const plain = context.flags.has('boot') ? '' : ` and no ${plainLogs.join(', ')}`
    context.say(`! ${guest} keeps no journal${plain}; this is its console`)
  } catch (error) {
    if (!isCode(error, 'NOT_RUNNING')) throw error
    context.say(`! ${guest} does not run; this is what its console kept`)
  }
  return readConsole(context, guest, wanted)
}

async function readSite(context: Context, site: string): Promise<Answer> {
  for (const flag of ['boot', 'console'] as const)
    if (context.flags.has(flag))
      throw new CroftError('USAGE', `--${flag} is of one instance`, { hint: `croft logs ${site}/1 --${flag}` })
  const [{ siteLogs }, { runPiped }] = await Promise.all([import('./site-logs.ts'), import('../../process/spawn.ts')])
  return siteLogs(context, site, {
    words: journalWords(context),
    run: async (guest, { words, ...how }) => runPiped(await attachProgram(context, guest, words), how),
  })
}

const parts = [
  { flag: 'daemon', prefix: 'app-' },
  { flag: 'cron', prefix: 'job-' },
] as const

/** Of a daemon that is not there the journal says nothing, and so would we. */
async function mustHaveParts(context: Context, guest: string): Promise<void> {
  for (const { flag, prefix } of parts) {
    const name = context.flags.text(flag)
    if (name === undefined) continue
    const found: string[] = []
    const words = ['systemctl', 'list-unit-files', '--no-legend', '--no-pager', `${prefix}*.service`]
    let complained = false
    const onLine = (line: string, from: string) => {
      if (from === 'stdout') found.push(line)
      else complained = true
    }
    await runLines(context, guest, { words, onLine })
    // No service manager, or not yet: the journal alone knows.
    if (complained) return
    const there = partNames(found, prefix)
    if (!there.includes(name))
      throw new CroftError('NOT_FOUND', `${guest} has no ${flag} "${name}"; there is ${there.join(', ') || 'none'}`, {
        hint: `croft logs ${guest}`,
      })
  }
}

/** `app-web.service enabled enabled` → web */
export function partNames(lines: readonly string[], prefix: string): string[] {
  const files = lines.map((line) => line.trim().split(/\s+/)[0] ?? '')
  return files.flatMap((file) =>
    file.startsWith(prefix) && file.endsWith('.service') ? [file.slice(prefix.length, -'.service'.length)] : [],
  )
}

/** The exit code; undefined when the guest keeps no journal. */
async function readJournal(context: Context, guest: string): Promise<number | undefined> {
  let said = 0
  let nothingThere = false
  const turned = isTurned(context) ? ([] as string[]) : undefined
  let unknownBoot = false
  const { exit, stopped } = await runLines(context, guest, {
    words: journalWords(context),
    onLine(line, from) {
      if (from === 'stdout') said += 1
      // Shown when it is the journal's own complaint; a guest without one is told of by us.
      if (from === 'stderr' && /no such boot/i.test(line)) unknownBoot = true
      else if (from === 'stderr' && /no journal files|not found|no such file/i.test(line)) nothingThere = true
      else if (turned && from === 'stdout') turned.push(line)
      else context.io[from].write(`${show(context, line)}\n`)
    },
  })
  for (const line of oldestFirst(turned ?? [])) context.io.stdout.write(`${show(context, line)}\n`)
  if (stopped) return 0
  if (unknownBoot)
    throw new CroftError('NOT_FOUND', `the journal of ${guest} has no such start`, {
      hint: `croft exec ${guest} -- journalctl --list-boots`,
    })
  const narrow = (['unit', 'since', 'daemon', 'cron', 'grep'] as const).filter((name) => context.flags.has(name))
  if (said === 0 && exit < 2 && !nothingThere && narrow.length > 0)
    context.say(`! ${guest} has logged nothing that fits ${narrow.map((name) => `--${name}`).join(' ')}`)
  if (said === 0 && (exit === 126 || exit === 127 || nothingThere)) return undefined
  return exit === 1 && said === 0 && context.flags.has('grep') ? 0 : exit
}

/** The same of a log in plain text. */
async function readPlain(context: Context, guest: string, wanted: Wanted): Promise<number | undefined> {
  // Nothing in them says where a start begins.
  const file = context.flags.has('boot') ? undefined : await findPlain(context, guest)
  if (file === undefined) return undefined
  refuseJournalFlags(context, guest)
  const tail = numberFlag(context, 'tail')
  const follow = context.flags.has('follow') ? ['-f'] : []
  const { exit, stopped } = await runLines(context, guest, {
    words: ['tail', '-n', tail === undefined ? '+1' : String(tail), ...follow, file],
    onLine: (line, from) => {
      if (from === 'stderr' || wanted(line)) context.io[from].write(`${show(context, line)}\n`)
    },
  })
  return stopped ? 0 : exit
}

async function findPlain(context: Context, guest: string): Promise<string | undefined> {
  const files = await (await import('../../files/guest-files.ts')).openFiles(context, guest)
  for (const file of plainLogs) if (await files.find(file)) return file
  return undefined
}

interface Lines {
  readonly words: readonly string[]
  readonly onLine: (line: string, from: 'stdout' | 'stderr') => void
}

async function runLines(context: Context, guest: string, { words, onLine }: Lines) {
  const program = await attachProgram(context, guest, words)
  const { runPiped } = await import('../../process/spawn.ts')
  return withInterrupt(context, async (signal) => ({
    exit: await runPiped(program, { signal, onLine }),
    stopped: signal.aborted,
  }))
}

const spans = /^\d+(us|ms|s|sec|m|min|h|hr|hour|hours|d|day|days|w|week|weeks|month|months|y|year|years)$/
const moments = /^([-+@]?\d|(now|today|yesterday|tomorrow|mon|tue|wed|thu|fri|sat|sun)([a-z]* |$))/i

/** `5m` is what it is everywhere else: so long ago. */
export function ago(text: string): string {
  if (spans.test(text)) return `-${text}`
  if (moments.test(text) && !/^\d+[a-z]+$/i.test(text)) return text
  throw new CroftError('USAGE', `--since takes a time, not "${text}"`, {
    hint: '--since 5m, 1h, 2d, yesterday, "2026-01-02 03:04"',
  })
}

function journalWords(context: Context): readonly string[] {
  const { flags } = context
  const tail = numberFlag(context, 'tail')
  const values = (['since', 'unit', 'grep'] as const).flatMap((name) => {
    const text = flags.text(name)
    return text === undefined ? [] : [`--${name}=${name === 'since' ? ago(text) : text}`]
  })
  return [
    ...['journalctl', '--no-pager', '--quiet'],
    ...(tail === undefined ? [] : [`--lines=${tail}`]),
    ...(flags.has('boot') ? [`--boot=${flags.text('boot') || 0}`] : []),
    ...values,
    ...parts.flatMap(({ flag, prefix }) => (flags.has(flag) ? [`--unit=${prefix}${flags.text(flag)}.service`] : [])),
    ...(flags.has('follow') ? ['--follow'] : []),
  ]
}

/** journalctl looks for the last few that match from the end, and shows them so. */
const isTurned = ({ flags }: Context): boolean => flags.has('grep') && flags.has('tail') && !flags.has('follow')

/** What begins with a blank goes on with the entry above. */
export function oldestFirst(newestFirst: readonly string[]): string[] {
  const entries: string[][] = []
  for (const line of newestFirst) {
    const last = entries.at(-1)
    if (last && /^\s/.test(line)) last.push(line)
    else entries.push([line])
  }
  return entries.reverse().flat()
}

/** As journalctl counts them: 0 is the last start, -1 the one before, 1 the first that is kept. */
function checkBoot({ flags }: Context): void {
  const boot = flags.text('boot') ?? ''
  if (!/^(|-?\d{1,4})$/.test(boot))
    throw new CroftError('USAGE', `--boot takes a number like -1, not "${boot}"`, { hint: 'croft logs web --boot=-1' })
  if (Number(boot) !== 0 && flags.has('follow'))
    throw new CroftError('USAGE', 'a start that is over says no more: --follow goes with --boot alone')
}

type Wanted = (line: string) => boolean

/** What journalctl does by itself for its own lines. */
function matcher(context: Context): Wanted {
  const text = context.flags.text('grep')
  if (text === undefined) return () => true
  try {
    const pattern = new RegExp(text, text === text.toLowerCase() ? 'i' : '')
    return (line) => pattern.test(line)
  } catch {
    throw new CroftError('USAGE', `--grep takes a pattern, and "${text}" is none`)
  }
}

function refuseJournalFlags(context: Context, guest: string): void {
  const earlier = Number(context.flags.text('boot') ?? 0) !== 0
  const flag =
    (['since', 'unit', 'daemon', 'cron'] as const).find((name) => context.flags.has(name)) ?? (earlier && 'boot')
  if (!flag) return
  throw new CroftError('USAGE', `--${flag} needs a journal, which ${guest} does not show now`, {
    hint: `croft logs ${guest}`,
  })
}

/** What a guest says is shown on a terminal, not obeyed; into a pipe it goes as it is. */
const show = (context: Context, line: string): string => (context.io.stdout.tty ? lines(line) : line)

async function readConsole(context: Context, guest: string, wanted: Wanted): Promise<Answer> {
  refuseJournalFlags(context, guest)
  const { io, flags } = context
  const tail = numberFlag(context, 'tail')
  const pick = (text: string) => (flags.has('grep') ? withEnd(text.split('\n').filter(wanted).join('\n')) : text)
  const print = (text: string) => text !== '' && io.stdout.write(show(context, text))
  let before = await consoleText(context, guest)
  print(withEnd(lastLines(pick(before), tail)))
  if (!flags.has('follow')) return silent()
  const controller = new AbortController()
  using _ = io.onInterrupt(() => controller.abort())
  while (!controller.signal.aborted) {
    await io.sleep(lookEveryMs, controller.signal)
    const now = await consoleText(context, guest)
    print(pick(added(before, now)))
    before = now
  }
  return silent()
}

async function consoleText(context: Context, guest: string): Promise<string> {
  const answer = await context.client.request('readConsole', {
    params: { guest },
    query: context.flags.has('boot') ? { boot: 1 } : {},
  })
  const text = typeof answer === 'string' ? answer : (answer?.text ?? '')
  return text.replaceAll('\r\n', '\n')
}

/** What came since: the daemon gives only the end of the log, so the old end is looked for in the new text. */
export function added(before: string, now: string): string {
  if (now.startsWith(before)) return now.slice(before.length)
  const end = before.slice(-400)
  const at = now.lastIndexOf(end)
  return end === '' || at < 0 ? now : now.slice(at + end.length)
}

function lastLines(text: string, count: number | undefined): string {
  if (count === undefined) return text
  const all = text.replace(/\n$/, '').split('\n')
  return count === 0 ? '' : all.slice(-count).join('\n')
}

const withEnd = (text: string): string => (text === '' || text.endsWith('\n') ? text : `${text}\n`)
