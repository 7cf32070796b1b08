import type { FarmEvent } from '../../../api/events.ts'
import { type Answer, type Column, rows, silent } from '../../answer.ts'
import { type Context, numberFlag } from '../../context.ts'
import { oneLine } from '../../screen/escape.ts'
import { jsonText } from '../../screen/render.ts'
import { followEvents, parseEventLine } from '../../wire/events.ts'

const usualTail = 50

const columns: readonly Column<FarmEvent>[] = [
  { title: 'AT', get: (event) => event.at },
  { title: 'KIND', get: (event) => event.kind },
  { title: 'NAME', get: (event) => event.name },
  { title: 'EVENT', get: (event) => event.event },
  { title: 'BY', sparse: true, get: (event) => event.by ?? null },
  { title: 'DETAIL', sparse: true, elastic: true, get: detailOf },
  { title: 'HOST', wide: true, get: (event) => event.host ?? null },
  { title: 'CURSOR', wide: true, get: (event) => event.cursor },
]

export async function run(context: Context): Promise<Answer> {
  const cursor = context.flags.text('since')
  const tail = numberFlag(context, 'tail')
  const query = { cursor, kind: context.flags.text('kind'), name: context.args.maybe('NAME') }
  if (context.flags.has('follow')) {
    await follow(context, { ...query, tail })
    return silent()
  }
  const events: FarmEvent[] = []
  const asked = { ...query, tail: tail ?? (cursor === undefined ? usualTail : undefined) }
  await context.client.lines('listEvents', { query: asked }, (line) => {
    const told = parseEventLine(line)
    if ('event' in told) events.push(told)
  })
  return rows(events, columns, { name: (event) => event.name, empty: 'nothing has happened that is still known' })
}

/** Over restarts of the daemon too: from the last cursor on, nothing is lost and nothing comes twice. */
async function follow(context: Context, query: Parameters<typeof followEvents>[1]): Promise<void> {
  const { io } = context
  const controller = new AbortController()
  using _ = io.onInterrupt(() => controller.abort())
  await followEvents(context, query, {
    signal: controller.signal,
    onAway: (why) => context.say(`${why}; waiting for it`),
    onEvent: (event) => io.stdout.write(`${context.forMachines ? jsonText(event) : lineOf(event)}\n`),
  })
}

const lineOf = (event: FarmEvent): string =>
  oneLine(
    [event.at, event.kind.padEnd(8), event.name.padEnd(16), event.event.padEnd(9), detailOf(event) ?? '']
      .join('  ')
      .trimEnd(),
  )

function detailOf({ detail, reason }: FarmEvent): string | null {
  const said = [detail, reason].filter((text) => text !== undefined)
  return said.length === 0 ? null : said.join(': ')
}
