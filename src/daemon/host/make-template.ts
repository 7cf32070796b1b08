/** The three ways a template comes to be: built from packages, unpacked from an archive, copied from a guest's disk. */
import { CroftError } from '../../api/errors.ts'
import type { Init } from '../../api/guest.ts'
import type { Ref } from '../../drivers/storage/driver.ts'
import { checkTemplate, usualLimits } from '../../drivers/template/check.ts'
import { finishTree } from '../../drivers/template/finish.ts'
import { uidOf } from '../../plan/addresses.ts'
import { nearHost } from '../near.ts'
import type { Making, TemplateRecord } from '../records/records.ts'
import { fetchFile, withoutQuery } from '../uploads/fetch.ts'
import type { HostParts } from './parts.ts'

/** The last slot of the host's uid range is kept for work on templates. */
export const buildSlot = 4095

export interface Made {
  readonly sizeBytes: number
  readonly sha256: string
  readonly init?: Init
}

export interface MakeOptions {
  readonly signal: AbortSignal
  readonly note: (line: string) => void
}

/** Leaves the finished and checked tree in `staging`; what it left there after a failure is the caller's to remove. */
export async function makeTemplate(
  parts: HostParts,
  template: TemplateRecord,
  staging: Ref,
  options: MakeOptions,
): Promise<Made> {
  const storage = parts.storage('default')
  const { making } = template
  if (making?.kind === 'publish') {
    await storage.clone(making.from, staging, { readOnly: false })
    return finish(storage.path(staging), making.init)
  }
  await storage.create(staging)
  if (making?.kind === 'import') return importInto(parts, making, storage.path(staging), options)
  return parts.builder.build(template.source, storage.path(staging), {
    signal: options.signal,
    onLine: options.note,
    uidBase: uidOf(parts.host.uidBase, buildSlot),
  })
}

type Import = Extract<Making, { kind: 'import' }>

async function importInto(parts: HostParts, making: Import, target: string, options: MakeOptions): Promise<Made> {
  const { uploads, images } = parts
  const id = making.upload ?? (await fetchUpload(parts, making, options))
  const upload = uploads.find(id)
  if (!upload)
    throw new CroftError('CANCELLED', 'the import was interrupted, and the file that was sent is gone', {
      hint: 'send it again',
    })
  try {
    assertHash(making.sha256, upload.sha256)
    options.note('unpacking')
    const { signal } = options
    const uidBase = uidOf(parts.host.uidBase, buildSlot)
    const { init, format } = await images.unpack(upload.path, target, { signal, uidBase, limits: making.limits })
    options.note(`an archive of kind ${format}`)
    return await finish(target, init, making.limits)
  } finally {
    await uploads.remove(id)
  }
}

async function fetchUpload(
  { uploads, farm, elsewhere }: HostParts,
  making: Import,
  options: MakeOptions,
): Promise<string> {
  const { url = '', limits, byRoot } = making
  options.note(`fetching ${withoutQuery(url)}`)
  const forbids = byRoot ? {} : { forbids: nearHost({ ...farm, hosts: elsewhere.hosts() }) }
  const { body } = await fetchFile(url, { maxBytes: limits.bytes, signal: options.signal, ...forbids })
  const { id } = await uploads.receive(body, limits.bytes)
  uploads.claim(id)
  return id
}

export function assertHash(wanted: string | undefined, got: string | undefined): void {
  if (wanted === undefined || wanted === got) return
  throw new CroftError('HASH_DIFFERS', `the file has the sha256 ${got}, not ${wanted}`)
}

/** Identity and rubbish go, and what no template may hold is refused. */
async function finish(root: string, init: Init | undefined, limits = usualLimits): Promise<Made> {
  await finishTree(root)
  const { sizeBytes, sha256 } = await checkTemplate(root, limits, init?.kind ?? 'system')
  return { sizeBytes, sha256, ...(init === undefined ? {} : { init }) }
}
