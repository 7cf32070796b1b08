/** An answer that goes on: JSON values, one a line, for as long as somebody reads them. */
import { Readable } from 'node:stream'
import type { FastifyReply } from 'fastify'
import { toCroftError } from '../../api/errors.ts'

/** Who reads nothing for so long is cut off; the last line that came says where to go on. */
const patienceMs = 60_000

export class Lines {
  /** Ends when the signal does: the reader has gone. */
  readonly open: (signal: AbortSignal) => AsyncGenerator<object, void, void>

  constructor(open: Lines['open']) {
    this.open = open
  }
}

/** A failure before the first line is answered as any other; a later one is the last line. */
export async function sendLines(reply: FastifyReply, { open }: Lines): Promise<FastifyReply> {
  const gone = new AbortController()
  reply.raw.once('close', () => gone.abort())
  const lines = open(gone.signal)
  const first = await lines.next()
  return reply
    .code(200)
    .header('content-type', 'application/x-ndjson; charset=utf-8')
    .send(
      Readable.from(
        texts(first, lines, () => reply.raw.destroy()),
        { highWaterMark: 16 },
      ),
    )
}

async function* texts(
  first: IteratorResult<object>,
  lines: AsyncGenerator<object, void, void>,
  cutOff: () => void,
): AsyncGenerator<string, void, void> {
  try {
    for (let line = first; !line.done; line = await lines.next()) {
      const timer = setTimeout(cutOff, patienceMs).unref()
      try {
        yield textOf(line.value)
      } finally {
        clearTimeout(timer)
      }
    }
  } catch (thrown) {
    yield textOf({ error: toCroftError(thrown).toBody() })
  } finally {
    await lines.return()
  }
}

const textOf = (value: object): string => `${JSON.stringify(value)}\n`
