/**
 * A template from a host that has it, when it is wanted here: a stream with its hash, taken whole or not at all. What broke
 * off goes on behind what has come, when what is there begins with the same bytes; otherwise it begins anew.
 */
import type { Readable } from 'node:stream'
import { isCode, toCroftError } from '../../api/errors.ts'
import { roughSize } from '../../plan/amount.ts'
import { askPeer } from '../moves/ask.ts'
import { createStall, type Stall, stallMs } from '../moves/stall.ts'
import { splitTail } from '../moves/tail.ts'
import type { PeerAnswer } from '../peers/peers.ts'
import { keys } from '../records/keys.ts'
import { read, type TemplateRecord, type TemplateStatus } from '../records/records.ts'
import { findSources, guestsFrom, isWanted } from '../records/template-sources.ts'
import type { Made } from './make-template.ts'
import type { HostParts } from './parts.ts'

interface Bringing {
  readonly source: string
  readonly template: TemplateRecord
  readonly facts: Partial<Made>
  readonly signal: AbortSignal
}

/** Undefined: it is not wanted now, or nobody could give it. Then it is tried with the next look. */
export async function bringTemplate(
  parts: HostParts,
  template: TemplateRecord,
  signal: AbortSignal,
): Promise<Partial<Made> | undefined> {
  const { id, ref } = template
  if (!(await isWanted(parts, id))) return undefined
  await parts.arrivals.sweep()
  for (const source of await findSources(parts, id)) {
    const status = await read<TemplateStatus>(parts.store, keys.templateStatus(source, id))
    try {
      return await bringFrom(parts, { source, template, facts: factsOf(status?.value), signal })
    } catch (thrown) {
      signal.throwIfAborted()
      // It does not become what it should: not by going on with it.
      if (isCode(thrown, 'HASH_DIFFERS')) await parts.arrivals.remove(id)
      parts.log.warn({ template: ref, source, error: toCroftError(thrown).message }, 'a template was not brought')
    }
  }
  return undefined
}

async function bringFrom(parts: HostParts, asked: Bringing): Promise<Partial<Made>> {
  const { source, template, facts } = asked
  const { id, ref } = template
  using stall = createStall(parts.env, source, 'sent')
  const signal = AbortSignal.any([asked.signal, stall.signal])
  const { answer, from } = await ask(parts, { ...asked, signal }, stall)
  signal.addEventListener('abort', () => answer.body.destroy(signal.reason), { once: true })
  const tell = await createTeller(parts, template)
  tell.begins(
    `bring the template ${ref} from ${source}${from === 0 ? '' : `, behind the ${roughSize(from)} that came`}`,
  )
  const { body, sha256 } = splitTail(answer.body)
  parts.failpoint('bringTemplate.before')
  const { making: _, ...record } = template
  const storage = parts.storage('default')
  await storage.writeManifest({ template: id }, { ...record, ...facts })
  const coming = parts.arrivals.whole(
    id,
    heard(parts, body, stall, (bytes) => tell.came(from, bytes)),
  )
  try {
    await storage.receive({ kind: 'template', id }, coming, { sha256, signal })
  } finally {
    answer.body.destroy()
  }
  parts.failpoint('bringTemplate.after')
  return facts
}

interface Asked {
  readonly answer: PeerAnswer
  /** So many bytes of it are here. */
  readonly from: number
}

/** What is there is read again up to where it goes on, before the first word comes. */
const readBytesInMs = 50_000

async function ask(parts: HostParts, { source, template: { id }, signal }: Bringing, stall: Stall): Promise<Asked> {
  const path = `/v1/peers/templates/${id}`
  const known = await parts.arrivals.find(id)
  stall.wait(stallMs + (known?.bytes ?? 0) / readBytesInMs)
  const request = (query: string) => askPeer(parts, source, { method: 'GET', path: `${path}${query}`, signal })
  if (!known) return { answer: await request(''), from: 0 }
  try {
    const { bytes, sha256 } = known
    return { answer: await request(`?bytes=${bytes}&sha256=${sha256}`), from: bytes }
  } catch (thrown) {
    // Its disk is written otherwise, or it is of a croft that knows nothing of this.
    if (!isCode(thrown, 'HASH_DIFFERS') && !isCode(thrown, 'BAD_VALUE')) throw thrown
    await parts.arrivals.remove(id)
    return { answer: await request(''), from: 0 }
  }
}

async function* heard(
  { failpoint }: HostParts,
  body: Readable,
  stall: Stall,
  came: (bytes: number) => void,
): AsyncGenerator<Buffer> {
  let bytes = 0
  try {
    stall.wait(stallMs)
    for await (const chunk of body as AsyncIterable<Buffer>) {
      stall.end()
      bytes += chunk.length
      came(bytes)
      yield chunk
      failpoint('bringTemplate.piece')
      stall.wait(stallMs)
    }
  } finally {
    stall.end()
  }
}

/** Who waits for a guest of it hears how far it is. */
async function createTeller({ store, host, env, operations }: HostParts, { id, ref }: TemplateRecord) {
  const goals = (await guestsFrom({ store, host }, id)).map((number) => ({ kind: 'guest', number }) as const)
  const began = env.monotonicMs()
  let told = began
  return {
    begins: (line: string) => goals.forEach((goal) => void operations.note(goal, line)),
    came(from: number, bytes: number) {
      const now = env.monotonicMs()
      if (now - told < 1000) return
      told = now
      const label = `${roughSize(from + bytes)} of ${ref} came, ${roughSize((bytes * 1000) / (now - began))}/s`
      for (const goal of goals) operations.progress(goal, label)
    },
  }
}

const factsOf = ({ sizeBytes, sha256, init }: Partial<TemplateStatus> = {}): Partial<Made> => ({
  ...(sizeBytes === undefined ? {} : { sizeBytes }),
  ...(sha256 === undefined ? {} : { sha256 }),
  ...(init === undefined ? {} : { init }),
})
