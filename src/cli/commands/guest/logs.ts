import { isCode } from '../../../api/errors.ts'
import { type Answer, silent } from '../../answer.ts'
import { attachProgram } from '../../attach.ts'
import { type Context, numberFlag } from '../../context.ts'
import { withInterrupt } from '../../follow.ts'
import { lines } from '../../render/escape.ts'
import { guestName } from '../../targets.ts'

const lookEveryMs = 1000

export async function run(context: Context): Promise<Answer> {
  const guest = guestName(context.args.one('GUEST'))
  if (!context.flags.has('console') && context.farm === undefined) {
    const exit = await readJournal(context, guest)
    if (exit !== undefined) return silent(exit)
    context.say(`${guest} does not run or keeps no journal; this is its console`)
  }
  return readConsole(context, guest)
}

/** The exit code; undefined when the guest does not run or keeps no journal. */
async function readJournal(context: Context, guest: string): Promise<number | undefined> {
  const words = journalWords(context)
  try {
    const program = await attachProgram(context, guest, words)
    const { runPiped } = await import('../../spawn.ts')
    let said = 0
    const { exit, stopped } = await withInterrupt(context, async (signal) => ({
      exit: await runPiped(program, {
        signal,
        onLine(line, from) {
          if (from === 'stdout') said += 1
          context.io[from].write(`${show(context, line)}\n`)
        },
      }),
      stopped: signal.aborted,
    }))
    if (stopped) return 0
    return exit !== 0 && said === 0 ? undefined : exit
  } catch (error) {
    if (isCode(error, 'NOT_RUNNING')) return undefined
    throw error
  }
}

function journalWords(context: Context): readonly string[] {
  const { flags } = context
  const tail = numberFlag(context, 'tail')
  const since = flags.text('since')
  return [
    'journalctl',
    '--no-pager',
    '--quiet',
    ...(tail === undefined ? [] : [`--lines=${tail}`]),
    ...(since === undefined ? [] : [`--since=${since}`]),
    ...(flags.has('follow') ? ['--follow'] : []),
  ]
}

/** What a guest says is shown on a terminal, not obeyed; into a pipe it goes as it is. */
const show = (context: Context, line: string): string => (context.io.stdout.tty ? lines(line) : line)

async function readConsole(context: Context, guest: string): Promise<Answer> {
  const { io, flags } = context
  const tail = numberFlag(context, 'tail')
  const print = (text: string) => text !== '' && io.stdout.write(show(context, text))
  let before = await consoleText(context, guest)
  print(withEnd(lastLines(before, tail)))
  if (!flags.has('follow')) return silent()
  const controller = new AbortController()
  using _ = io.onInterrupt(() => controller.abort())
  while (!controller.signal.aborted) {
    await io.sleep(lookEveryMs, controller.signal)
    const now = await consoleText(context, guest)
    print(added(before, now))
    before = now
  }
  return silent()
}

async function consoleText(context: Context, guest: string): Promise<string> {
  const answer = await context.client.request('readConsole', { params: { guest } })
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
