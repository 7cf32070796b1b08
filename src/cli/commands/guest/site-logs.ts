/** The journals of all instances of a site as one: each line bears the number of its instance. */
import { CroftError } from '../../../api/errors.ts'
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
  const entries: string[][] = []
  const print = (line: string) => context.io.stdout.write(`${context.io.stdout.tty ? shown(line) : line}\n`)
  await withInterrupt(context, (signal) =>
    Promise.all(
      running.map(async ({ name }) => {
        let last: string[] | undefined
        const onLine = (line: string, from: 'stdout' | 'stderr') => {
          const marked = `${(ordinals.get(name) ?? '').padStart(room)} | ${line}`
          if (from === 'stderr') context.io.stderr.write(`${marked}\n`)
          else if (follows) print(marked)
          else if (last && /^\s/.test(line)) last.push(marked)
          else {
            last = [marked]
            entries.push(last)
          }
        }
        await how.run(name, { words, signal, onLine })
      }),
    ),
  )
  const timeOf = ([first = '']: readonly string[]): string => first.slice(room + 3)
  const sorted = entries.toSorted((a, b) => (timeOf(a) < timeOf(b) ? -1 : 1))
  for (const line of (tail === undefined ? sorted : tail === 0 ? [] : sorted.slice(-tail)).flat()) print(line)
  return silent()
}
