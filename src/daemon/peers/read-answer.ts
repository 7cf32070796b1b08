/** What another host answers, read whole: no more than such an answer can be, and no longer. A host that turned bad fills nobody's memory. */
import type { Readable } from 'node:stream'
import { CroftError } from '../../api/errors.ts'

export interface Bound {
  readonly mostBytes: number
  readonly withinMs: number
}

const usual: Bound = { mostBytes: 256 * 1024, withinMs: 30_000 }

/** FAILED rather than HOST_UNREACHABLE: what was asked may have been done. */
export async function readAnswer(host: string, body: Readable, bound: Partial<Bound> = {}): Promise<string> {
  const { mostBytes, withinMs } = { ...usual, ...bound }
  const decoder = new TextDecoder()
  let text = ''
  let bytes = 0
  const late = setTimeout(() => body.destroy(unread(host, `that does not end in ${withinMs / 1000} s`)), withinMs)
  try {
    for await (const chunk of body as AsyncIterable<Uint8Array | string>) {
      const more = typeof chunk === 'string' ? Buffer.from(chunk) : chunk
      bytes += more.length
      // Leaving the loop ends the stream.
      if (bytes > mostBytes) throw unread(host, `of more than ${mostBytes / 1024} KiB`)
      text += decoder.decode(more, { stream: true })
    }
  } finally {
    clearTimeout(late)
  }
  return text + decoder.decode()
}

export async function readJson(host: string, body: Readable, bound?: Partial<Bound>): Promise<unknown> {
  const text = await readAnswer(host, body, bound)
  try {
    return JSON.parse(text)
  } catch {
    throw new CroftError('FAILED', `${host} answered what is no answer`, { hint: 'croft host ls' })
  }
}

const unread = (host: string, what: string): CroftError =>
  new CroftError('FAILED', `host ${host} gives an answer ${what}: it is not read`, {
    hint: `croft host ls · on ${host}: croft doctor`,
  })
