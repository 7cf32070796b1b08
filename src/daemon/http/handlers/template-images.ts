/** Templates from archives and from guests, and templates as archives. */
import { CroftError } from '../../../api/errors.ts'
import type { GuestStatus } from '../../../api/guest.ts'
import type { PlannedStep } from '../../../api/resources.ts'
import { type Daemon, getFarm } from '../../daemon.ts'
import { assertHash } from '../../host/make-template.ts'
import { accepted } from '../../records/change.ts'
import { getGuestToChange } from '../../records/guests.ts'
import { keys } from '../../records/keys.ts'
import { assertFree, commitTemplate, type NewTemplate } from '../../records/new-template.ts'
import { type Making, read, type SnapshotRecord, type SnapshotStatus } from '../../records/records.ts'
import { getReadyTemplate, getTemplateRecord, viewTemplate } from '../../records/templates.ts'
import { withoutQuery } from '../../uploads/fetch.ts'
import type { Handlers } from '../handler.ts'

const usualBytes = 16 * 1024 ** 3

export const handlers = {
  async createUpload(daemon, { query, stream }) {
    const { uploads } = getFarm(daemon).parts
    if (query.dryRun) return planned({ what: 'a file', step: 'upload', detail: 'take it in' })
    if (!stream)
      throw new CroftError('BAD_REQUEST', 'the body must be the file itself: content-type application/octet-stream')
    return uploads.receive(stream, query.limit ?? usualBytes)
  },

  async importTemplate(daemon, { params, body, query, caller }) {
    const ref = params.template
    const { upload, url, sha256, limitSize, limitFiles } = body
    await assertFree(daemon, ref)
    const from = url === undefined ? 'an archive' : withoutQuery(url).slice(0, 200)
    if (query.dryRun) return planned({ what: ref, step: 'import', detail: `unpack ${from}` })
    const { uploads } = getFarm(daemon).parts
    if (upload !== undefined) await claimUpload(daemon, upload, sha256)
    else if (url === undefined) throw new CroftError('BAD_VALUE', 'body: must name an upload or a url')
    const making: Making = {
      kind: 'import',
      ...(upload === undefined ? {} : { upload }),
      ...(url === undefined ? {} : { url }),
      ...(caller.token === undefined ? { byRoot: true } : {}),
      ...(sha256 === undefined ? {} : { sha256 }),
      limits: { bytes: limitSize, files: limitFiles },
    }
    const asked: NewTemplate = { ref, verb: 'import', source: { from, packages: [] }, making }
    const operation = await commitTemplate(daemon, caller, query, asked).catch(async (thrown) => {
      if (upload !== undefined) await uploads.remove(upload)
      throw thrown
    })
    return accepted(daemon, query, operation, () => viewNow(daemon, ref))
  },

  async publishTemplate(daemon, { params, body, query, caller }) {
    const ref = params.template
    await assertFree(daemon, ref)
    const { from, making } = await publishing(daemon, body.guest, body.snapshot)
    if (query.dryRun) return planned({ what: ref, step: 'publish', detail: `copy the disk of ${from}` })
    const operation = await commitTemplate(daemon, caller, query, {
      ...{ ref, verb: 'publish', source: { from, packages: [] }, making },
    })
    return accepted(daemon, query, operation, () => viewNow(daemon, ref))
  },

  async exportTemplate(daemon, { params, closed }) {
    const { value } = await getReadyTemplate(daemon, params.template)
    const { exportTemplate } = await import('../../host/export-template.ts')
    return { stream: await exportTemplate(getFarm(daemon).parts, value, closed), type: 'application/zstd' }
  },
} satisfies Partial<Handlers>

const planned = (step: PlannedStep) => ({ operation: null, result: null, steps: [step] })

/** Undefined for one that was refused meanwhile: of that nothing is left. */
async function viewNow(daemon: Daemon, ref: string) {
  const record = await getTemplateRecord(daemon, ref).catch(() => undefined)
  return record ? viewTemplate(daemon, record, []) : null
}

/** It is this import's alone from now on, and nobody else's to remove. */
async function claimUpload(daemon: Daemon, id: string, sha256: string | undefined): Promise<void> {
  const { uploads } = getFarm(daemon).parts
  const upload = uploads.find(id)
  if (!upload) throw new CroftError('NOT_FOUND', 'there is no such upload', { hint: 'send the file again' })
  if (!uploads.claim(id)) throw new CroftError('BUSY', 'this upload is being imported already', { hint: 'croft op ls' })
  try {
    assertHash(sha256, upload.sha256)
  } catch (thrown) {
    await uploads.remove(id)
    throw thrown
  }
}

async function publishing(
  daemon: Daemon,
  name: string,
  snapshot: string | undefined,
): Promise<{ readonly from: string; readonly making: Making }> {
  const { host, number, spec } = (await getGuestToChange(daemon, name, 'publish')).value
  const init = spec.init === undefined ? {} : { init: spec.init }
  if (snapshot === undefined) {
    const status = await read<GuestStatus>(daemon.store, keys.guestStatus(host, number))
    if (status?.value.rootId !== spec.root.id)
      throw new CroftError('BUSY', `the disk of "${name}" is being made`, { hint: 'croft op ls' })
    return {
      from: `guest ${name}`,
      making: { kind: 'publish', from: { kind: 'root', number, id: spec.root.id }, ...init },
    }
  }
  const record = await read<SnapshotRecord>(daemon.store, keys.snapshot(host, number, snapshot))
  const status = record && (await read<SnapshotStatus>(daemon.store, keys.snapshotStatus(host, record.value.id)))
  if (!record || record.value.deleting || status?.value.state !== 'ready')
    throw new CroftError('SNAPSHOT_NOT_FOUND', `no snapshot "${name}@${snapshot}"`, {
      hint: `croft snapshot ls ${name}`,
    })
  return {
    from: `guest ${name}@${snapshot}`,
    making: { kind: 'publish', from: { kind: 'snapshot', number, id: record.value.id }, ...init },
  }
}
