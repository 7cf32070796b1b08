/** The fake's stream: one JSON text. Broken off anywhere it is none. */
import { Readable } from 'node:stream'
import { CroftError } from '../../../api/errors.ts'
import type { Measure, Sending } from '../driver.ts'
import { measured, sending } from '../measured.ts'
import type { Root } from './index.ts'

interface Sent {
  readonly origin: string
  readonly parent?: string
  /** Null: it is gone since the parent. */
  readonly files: Readonly<Record<string, string | null>>
}

export function writeStream(
  { readOnly, origin, files }: Root,
  parent: Root | undefined,
  mostBytes: number | undefined,
): Sending {
  if (!readOnly || parent?.readOnly === false) throw new CroftError('REFUSED', 'only a read-only disk can be sent')
  const changed = [...files].filter(([name, text]) => parent?.files.get(name) !== text)
  const gone = [...(parent?.files.keys() ?? [])].filter((name) => !files.has(name))
  const told: Sent = {
    origin,
    ...(parent ? { parent: parent.origin } : {}),
    files: { ...Object.fromEntries(changed), ...Object.fromEntries(gone.map((name) => [name, null])) },
  }
  const text = JSON.stringify(told)
  return sending(measured(Readable.from(pieces(text)), { mostBytes }))
}

export async function readStream(
  stream: Readable,
  { known, mostBytes }: { readonly known: readonly Root[]; readonly mostBytes: number | undefined },
): Promise<{ readonly measure: Measure; readonly origin: string; readonly files: Map<string, string> }> {
  const { stream: input, measure } = measured(stream, { mostBytes })
  const { origin, parent, files } = parse(Buffer.concat(await input.toArray()).toString())
  const base = parent === undefined ? undefined : known.find((root) => root.readOnly && root.origin === parent)
  if (parent !== undefined && !base)
    throw new CroftError('NOT_FOUND', 'the disk that this one is sent as a difference from is not on the pool')
  const all = new Map(base?.files)
  for (const [name, text] of Object.entries(files)) {
    if (text === null) all.delete(name)
    else all.set(name, text)
  }
  return { measure: await measure, origin, files: all }
}

function parse(text: string): Sent {
  try {
    return JSON.parse(text) as Sent
  } catch (cause) {
    throw new CroftError('FAILED', 'the stream held no whole disk', { hint: 'send it again', cause })
  }
}

function* pieces(text: string): Generator<Buffer> {
  for (let at = 0; at < text.length; at += 4096) yield Buffer.from(text.slice(at, at + 4096))
}
