/** A template as a tar.zst, made while it is sent: a copy is packed, and goes when the last byte went or nobody reads on. */
import type { Readable } from 'node:stream'
import { finished } from 'node:stream'
import { finished as ended } from 'node:stream/promises'
import { createZstdCompress } from 'node:zlib'
import type { Packing } from '../../drivers/image/driver.ts'
import type { Ref } from '../../drivers/storage/driver.ts'
import { uidOf } from '../../plan/addresses.ts'
import { keys } from '../records/keys.ts'
import { read, type TemplateRecord, type TemplateStatus } from '../records/records.ts'
import { buildSlot } from './make-template.ts'
import type { HostParts } from './parts.ts'

export async function exportTemplate(parts: HostParts, { id }: TemplateRecord, closed: AbortSignal): Promise<Readable> {
  const storage = parts.storage('default')
  const status = await read<TemplateStatus>(parts.store, keys.templateStatus(parts.host.name, id))
  const staging: Ref = { kind: 'staging', id: parts.env.uuid() }
  const remove = () =>
    storage.remove(staging).catch((thrown) => parts.log.warn({ error: String(thrown) }, 'staging not removed'))
  try {
    await storage.clone({ kind: 'template', id }, staging, { readOnly: false })
    const packing = await parts.images.pack(
      storage.path(staging),
      { init: status?.value.init ?? { kind: 'system' } },
      { signal: closed, uidBase: uidOf(parts.host.uidBase, buildSlot) },
    )
    packing.ended.catch(() => undefined).finally(remove)
    return compress(packing)
  } catch (thrown) {
    await remove()
    throw thrown
  }
}

/** Its last byte says nothing: an archive is whole when the one who packed it says so, and then only does this end. */
export function compress(packing: Packing): Readable {
  const compressed = createZstdCompress()
  packing.output.pipe(compressed, { end: false })
  Promise.all([ended(packing.output), packing.ended]).then(
    () => compressed.end(),
    (thrown) => compressed.destroy(thrown),
  )
  finished(compressed, () => packing.output.destroy())
  return compressed
}
