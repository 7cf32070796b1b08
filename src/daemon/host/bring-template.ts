/** A template from a host that has it, when it is wanted here: a stream with its hash, taken whole or not at all. */
import { toCroftError } from '../../api/errors.ts'
import { askPeer } from '../moves/ask.ts'
import { splitTail } from '../moves/tail.ts'
import { keys } from '../records/keys.ts'
import { read, type TemplateRecord, type TemplateStatus } from '../records/records.ts'
import { findSources, isWanted } from '../records/template-sources.ts'
import type { Made } from './make-template.ts'
import type { HostParts } from './parts.ts'

/** Undefined: it is not wanted now, or nobody could give it. Then it is tried with the next look. */
export async function bringTemplate(
  parts: HostParts,
  template: TemplateRecord,
  signal: AbortSignal,
): Promise<Partial<Made> | undefined> {
  const { id, ref } = template
  if (!(await isWanted(parts, id))) return undefined
  for (const source of await findSources(parts, id)) {
    const status = await read<TemplateStatus>(parts.store, keys.templateStatus(source, id))
    try {
      return await bringFrom(parts, { source, template, facts: factsOf(status?.value), signal })
    } catch (thrown) {
      signal.throwIfAborted()
      parts.log.warn({ template: ref, source, error: toCroftError(thrown).message }, 'a template was not brought')
    }
  }
  return undefined
}

async function bringFrom(
  parts: HostParts,
  asked: { source: string; template: TemplateRecord; facts: Partial<Made>; signal: AbortSignal },
): Promise<Partial<Made>> {
  const { source, template, facts, signal } = asked
  const answer = await askPeer(parts, source, { method: 'GET', path: `/v1/peers/templates/${template.id}`, signal })
  const storage = parts.storage('default')
  const { body, sha256 } = splitTail(answer.body)
  parts.failpoint('bringTemplate.before')
  const { making: _, ...record } = template
  await storage.writeManifest({ template: template.id }, { ...record, ...facts })
  await storage.receive({ kind: 'template', id: template.id }, body, { sha256, signal })
  parts.failpoint('bringTemplate.after')
  return facts
}

const factsOf = ({ sizeBytes, sha256, init }: Partial<TemplateStatus> = {}): Partial<Made> => ({
  ...(sizeBytes === undefined ? {} : { sizeBytes }),
  ...(sha256 === undefined ? {} : { sha256 }),
  ...(init === undefined ? {} : { init }),
})
