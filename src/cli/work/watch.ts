/**
 * Looks again when something happens, until Ctrl-C: on a terminal the picture is painted anew, elsewhere each record that
 * changed is a line. The stream of events only says that it is time to look; without it the clock does.
 */
import { errorTable, toCroftError } from '../../api/errors.ts'
import type { Answer } from '../answer.ts'
import type { Context } from '../context.ts'
import { type Format, type Rendered, type RenderOptions, render } from '../screen/render.ts'
import { followEvents } from '../wire/events.ts'

/** What changes without an event, such as usage, is looked at each second; ages and what was missed now and then. */
const liveMs = 1000
const quietMs = 5000
/** One change is several events. */
const settleMs = 50

export interface Watched {
  readonly look: () => Promise<Answer>
  /** Of this moment: ages depend on it. */
  readonly options: () => RenderOptions
}

export async function watch(context: Context, { look, options }: Watched): Promise<number> {
  const { io, row } = context
  const controller = new AbortController()
  using _ = io.onInterrupt(() => controller.abort())
  const { format } = options()
  const paints = io.stdout.tty && (format === 'table' || format === 'wide')
  const show = paints ? painter(context) : teller(context, format)
  const news = listen(context, controller.signal)
  let exit: number | undefined
  while (!controller.signal.aborted) {
    const answer = await lookAgain(look, exit !== undefined)
    if (answer) show(answer, options())
    exit = answer?.exit ?? exit ?? 0
    await news.next(row.watch === 'live' ? liveMs : quietMs)
  }
  return exit ?? 0
}

/** Undefined while the daemon is away; the first look must succeed. */
async function lookAgain(look: () => Promise<Answer>, again: boolean): Promise<Answer | undefined> {
  try {
    return await look()
  } catch (thrown) {
    if (again && errorTable[toCroftError(thrown).code].exit === errorTable.UNREACHABLE.exit) return undefined
    throw thrown
  }
}

function painter({ io }: Context): (answer: Answer, options: RenderOptions) => void {
  return (answer, options) => {
    const { out, err } = render(answer, options)
    const text = (out + err).replaceAll('\n', '\u001b[K\n')
    io.stdout.write(`\u001b[H${text}\u001b[J`)
  }
}

/** First all there are, then each that is new or has changed, and each that is gone. */
function teller(context: Context, format: Format): (answer: Answer, options: RenderOptions) => void {
  const json = format === 'json' || format === 'jsonl'
  const known = new Map<string, string>()
  let first = true
  return (answer, options) => {
    const parts = partsOf(answer)
    const lined = tableLines(answer, options)
    for (const [name, part] of parts) {
      const text = newsOf(part)
      if (known.get(name) === text) continue
      known.set(name, text)
      const single = () => lineOf(render(part, { ...options, format: json ? 'jsonl' : format }), format, first)
      context.io.stdout.write(lined ? `${first ? lined.head : ''}${lined.rows.get(name)}` : single())
      first = false
    }
    for (const name of known.keys()) {
      if (parts.has(name)) continue
      known.delete(name)
      if (json) context.io.stdout.write(`${JSON.stringify({ name, removed: true })}\n`)
      else context.say(`${name} is gone`)
    }
  }
}

/** Each record's line of the table of all, so that columns stand below each other. */
function tableLines(
  answer: Answer,
  options: RenderOptions,
): { readonly head: string; readonly rows: ReadonlyMap<string, string> } | undefined {
  if (answer.kind !== 'rows' || answer.records.length === 0) return undefined
  if (options.format !== 'table' && options.format !== 'wide') return undefined
  const { out } = render(answer, { ...options, sort: undefined })
  const [head = '', ...texts] = out.split('\n').map((text) => `${text}\n`)
  return { head, rows: new Map(answer.records.map((record, at) => [answer.name(record), texts[at] ?? ''])) }
}

/** Of rows there is one in each part. */
function newsOf(part: Answer): string {
  if (part.kind !== 'rows') return JSON.stringify('record' in part ? part.record : part)
  return part.news ? part.records.map(part.news).join() : JSON.stringify(part.records)
}

function partsOf(answer: Answer): ReadonlyMap<string, Answer> {
  if (answer.kind !== 'rows') return new Map([[answer.kind === 'record' ? answer.name : '', answer]])
  return new Map(answer.records.map((record) => [answer.name(record), { ...answer, records: [record] }]))
}

/** The head of a table stands once. */
function lineOf({ out }: Rendered, format: Format, first: boolean): string {
  if (format === 'yaml') return first ? out : `---\n${out}`
  const headed = format === 'table' || format === 'wide' || format === 'csv'
  return first || !headed ? out : out.slice(out.indexOf('\n') + 1)
}

/** Resolves when something has happened since it was last asked, at the latest after so many milliseconds. */
function listen(context: Context, signal: AbortSignal): { next(ms: number): Promise<void> } {
  let fresh = false
  let wake = () => {}
  const notice = () => {
    fresh = true
    wake()
  }
  followEvents(context, {}, { signal, onEvent: notice, onMark: notice }).catch(() => {})
  return {
    async next(ms) {
      const late = new AbortController()
      const event = new Promise<void>((resolve) => {
        wake = resolve
      })
      if (!fresh) await Promise.race([event, context.io.sleep(ms, AbortSignal.any([signal, late.signal]))])
      late.abort()
      if (fresh) await context.io.sleep(settleMs, signal)
      fresh = false
    },
  }
}
