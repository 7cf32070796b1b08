/** The journals of all instances of a site as one: each line bears the number of its instance. */
import { CroftError, errorTable, isCode } from '../../../api/errors.ts'
import { type Answer, silent } from '../../answer.ts'
import { type Context, numberFlag } from '../../context.ts'
import { lines as shown } from '../../screen/escape.ts'
import { withInterrupt } from '../../work/follow.ts'

type RunLines = (
  guest: string,
  how: {
    readonly words: readonly string[]
    readonly signal: AbortSignal
    readonly onLine: (line: string, from: 'stdout' | 'stderr') => void
  },
) => Promise<number>

const usualTail = 1000
/** The others' lines are worth having without these. */
const gone = ['HOST_UNREACHABLE', 'NOT_RUNNING', 'GUEST_NOT_FOUND'] as const
/** Begins each entry with its time, by which they are put in order. */
const dated = '--output=short-iso-precise'

export async function siteLogs(
  context: Context,
  site: string,
  how: { readonly words: readonly string[]; readonly run: RunLines },
): Promise<Answer> {
  const { instances } = await context.client.request('getSite', { params: { site } })
  const running = instances.filter(({ state }) => state !== 'stopped' && state !== 'retiring')
  if (running.length === 0)
    throw new CroftError('NOT_RUNNING', `no instance of ${site} runs`, { hint: `croft site show ${site}` })
  const ordinals = new Map(running.map(({ name }) => [name, name.slice(name.lastIndexOf('/') + 1)]))
  const room = Math.max(...[...ordinals.values()].map((text) => text.length))
  const follows = context.flags.has('follow')
  const tail = numberFlag(context, 'tail')
  const words = [...how.words, dated, ...(tail === undefined ? [`--lines=${usualTail}`] : [])]
  const all: (readonly string[][])[] = []
  const missing: unknown[] = []
  const print = (line: string) => context.io.stdout.write(`${context.io.stdout.tty ? shown(line) : line}\n`)
  await withInterrupt(context, (signal) =>
    Promise.all(
      running.map(async ({ name, host }) => {
        const kept = lastEntries(tail ?? usualTail)
        all.push(kept.entries)
        const onLine = (line: string, from: 'stdout' | 'stderr') => {
          const marked = `${(ordinals.get(name) ?? '').padStart(room)} | ${line}`
          if (from === 'stderr') context.io.stderr.write(`${context.io.stderr.tty ? shown(marked) : marked}\n`)
          else if (follows) print(marked)
          else kept.add(marked, { goesOn: /^\s/.test(line) })
        }
        await how.run(name, { words, signal, onLine }).catch((thrown) => {
          if (signal.aborted || !gone.some((code) => isCode(thrown, code))) throw thrown
          missing.push(thrown)
          context.say(`▲ ${name} on ${host} is missing here: ${(thrown as Error).message}`)
        })
      }),
    ),
  )
  if (missing.length === running.length) throw missing[0]
  const timeOf = ([first = '']: readonly string[]): string => first.slice(room + 3)
  const sorted = all.flat().toSorted((a, b) => (timeOf(a) < timeOf(b) ? -1 : 1))
  for (const line of (tail === undefined ? sorted : tail === 0 ? [] : sorted.slice(-tail)).flat()) print(line)
  return silent(missing.length > 0 ? errorTable.PARTLY_FAILED.exit : 0)
}

const mostCharsOfInstance = 32 * 1024 * 1024
const mostLinesOfEntry = 1000
const mostCharsOfLine = 16 * 1024

/** The words run inside the guest: whoever talks without end there does not fill our memory. */
function lastEntries(most: number) {
  const entries: string[][] = []
  let chars = 0
  const dropFirst = () => {
    for (const line of entries.shift() ?? []) chars -= line.length
  }
  return {
    entries,
    add(whole: string, { goesOn }: { readonly goesOn: boolean }) {
      const line = whole.slice(0, mostCharsOfLine)
      const last = entries.at(-1)
      if (!last || !goesOn) entries.push([line])
      else if (last.length < mostLinesOfEntry) last.push(line)
      else return
      chars += line.length
      while (entries.length > most || (entries.length > 1 && chars > mostCharsOfInstance)) dropFirst()
    },
  }
}
