/** The disk of a template for another host, or what that one lacks of it. */
import type { Readable } from 'node:stream'
import type { KnownBeginning } from '../../api/move.ts'
import type { HostParts } from '../host/parts.ts'
import { flow } from './flow.ts'
import { restOf } from './rest.ts'
import { withTail } from './tail.ts'

export async function sendTemplate(
  parts: HostParts,
  { id, known: { bytes, sha256 }, signal }: { id: string; known: KnownBeginning; signal: AbortSignal },
): Promise<Readable> {
  parts.failpoint('sendTemplate.before')
  const sending = await parts.storage('default').send({ kind: 'template', id }, { signal })
  const isAll = bytes === undefined || sha256 === undefined
  return flow(parts, withTail(isAll ? sending : await restOf(sending, { bytes, sha256 })), {})
}
