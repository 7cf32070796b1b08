/**
 * Templates of this host: a record without a disk is built (in a staging subvolume that becomes the
 * template in one step), a record on its way out loses its disk, then itself. A build that died with its daemon begins again.
 */
import { CroftError, toCroftError } from '../../api/errors.ts'
import type { Ref } from '../../drivers/storage/driver.ts'
import { timestamp } from '../env.ts'
import type { End } from '../operations/operations.ts'
import { forgetMaking, removeTemplateRecord, writeTemplateStatus } from '../records/host-writes.ts'
import { keys } from '../records/keys.ts'
import { type Held, read, readAll, type TemplateRecord, type TemplateStatus } from '../records/records.ts'
import { type Made, makeTemplate } from './make-template.ts'
import { readTemplateManifest } from './manifest.ts'
import type { HostParts } from './parts.ts'

export interface TemplateLoop {
  begin(): Promise<void>
  /** Of a pool that was mounted: what is in staging and not at work was left by a daemon that died. */
  sweep(pool: string): Promise<void>
  nudge(): void
  cancel(id: string): boolean
  close(): Promise<void>
}

interface Lane {
  readonly takes: (record: TemplateRecord) => boolean
  again: boolean
  busy?: Promise<void>
}

/** Building and unpacking, one at a time: they share a range of ids. */
const takesLong = ({ deleting, making }: TemplateRecord): boolean => !deleting && making?.kind !== 'publish'

export function createTemplateLoop(parts: HostParts): TemplateLoop {
  /** What takes minutes keeps nothing waiting that takes a moment: a release, a removal. */
  const lanes: Lane[] = [takesLong, (record: TemplateRecord) => !takesLong(record)].map((takes) => ({
    takes,
    again: false,
  }))
  /** Keys, and the ids of what they hold. */
  const atWork = new Map<string, string>()
  /** Found while the other lane was at it. */
  const missed = new Set<string>()
  let closed = false
  const closing = new AbortController()
  const building = new Map<string, AbortController>()

  const nudge = (): void => lanes.forEach(nudgeLane)

  function nudgeLane(lane: Lane): void {
    if (closed) return
    lane.again = true
    lane.busy ??= look(lane)
      .catch((thrown) => parts.log.error({ error: String(thrown) }, 'looking at templates failed'))
      .finally(() => {
        delete lane.busy
        if (lane.again) nudgeLane(lane)
      })
  }

  async function look(lane: Lane): Promise<void> {
    while (lane.again && !closed) {
      lane.again = false
      const mark = parts.operations.mark()
      const records = await readAll<TemplateRecord>(parts.store, keys.templates)
      settleGone(records, mark)
      for (const { key, value } of records.filter(({ value }) => lane.takes(value))) {
        if (closed) return
        if (atWork.has(key)) {
          missed.add(key)
          continue
        }
        atWork.set(key, value.id)
        await passKey(lane, key).finally(() => atWork.delete(key))
        if (missed.delete(key)) nudge()
      }
    }
  }

  async function passKey({ takes }: Lane, key: string): Promise<void> {
    const upTo = parts.operations.mark()
    // The one before may have been building for minutes.
    const record = await read<TemplateRecord>(parts.store, key)
    if (!record || !takes(record.value)) return
    const goal = { kind: 'template', id: record.value.id } as const
    const end = await passTemplate(record).catch((thrown) => ({ end: 'failed', error: toCroftError(thrown) }) as const)
    // A build that ends because the daemon does begins again with the next one.
    if (!closed) parts.operations.settle(goal, upTo, end)
  }

  /** A daemon may have died between the end of a record and the end of its operation. */
  function settleGone(records: readonly Held<TemplateRecord>[], upTo: number): void {
    const known = new Set([...records.map(({ value }) => value.id), ...atWork.values()])
    for (const goal of parts.operations.goals())
      if (goal.kind === 'template' && !known.has(goal.id)) parts.operations.settle(goal, upTo, { end: 'gone' })
  }

  async function passTemplate(record: Held<TemplateRecord>): Promise<End> {
    const { id, deleting } = record.value
    const storage = parts.storage('default')
    if (deleting) {
      parts.failpoint('removeTemplate.before')
      await storage.remove({ kind: 'template', id })
      await parts.arrivals.remove(id)
      parts.failpoint('removeTemplate.after')
      await forget(record.value)
      return { end: 'gone' }
    }
    const status = await read<TemplateStatus>(parts.store, keys.templateStatus(parts.host.name, id))
    if (status?.value.state === 'ready') {
      await forgetMaking(parts, record)
      return { end: 'met' }
    }
    if (status?.value.state === 'failed')
      return { end: 'failed', error: new CroftError('BUILD_FAILED', status.value.reason ?? 'the build failed') }
    if (await storage.exists({ kind: 'template', id })) {
      const { manifest } = (await storage.inventory()).templates.find((one) => one.id === id) ?? {}
      const facts = readTemplateManifest(manifest)?.facts
      await tellReady(record.value, { ...facts })
      return { end: 'met' }
    }
    if (!isMadeHere(record.value)) return bring(record.value)
    await build(record.value)
    return { end: 'met' }
  }

  /** By one host; to the others it is brought. Older records name none: then there was one host alone. */
  const isMadeHere = ({ host }: TemplateRecord): boolean =>
    host === undefined ? parts.host.number === 1 : host === parts.host.name

  async function bring(template: TemplateRecord): Promise<End> {
    const { bringTemplate } = await import('./bring-template.ts')
    const facts = await bringTemplate(parts, template, closing.signal)
    if (facts) await tellReady(template, facts)
    return { end: 'waiting' }
  }

  async function build(template: TemplateRecord): Promise<void> {
    const storage = parts.storage('default')
    const staging: Ref = { kind: 'staging', id: template.id }
    const abort = new AbortController()
    building.set(template.id, abort)
    const note = (line: string) => parts.operations.note({ kind: 'template', id: template.id }, line)
    try {
      await storage.remove(staging)
      parts.failpoint('build.before')
      const made = await makeTemplate(parts, template, staging, { signal: abort.signal, note })
      parts.failpoint('build.after')
      const { sizeBytes, sha256 } = made
      const facts = { sizeBytes, sha256, ...(made.init === undefined ? {} : { init: made.init }) }
      const { making: _, ...record } = template
      await storage.writeManifest({ template: template.id }, { ...record, ...facts })
      await storage.clone(staging, { kind: 'template', id: template.id }, { readOnly: true })
      parts.failpoint('commitTemplate.after')
      await tellReady(template, facts)
    } catch (thrown) {
      if (closed) throw new CroftError('CANCELLED', 'the daemon stops; the build begins again at its next start')
      const error = abort.signal.aborted
        ? new CroftError('CANCELLED', `the making of ${template.ref} was cancelled`)
        : toCroftError(thrown)
      await fail(template, error)
      throw error
    } finally {
      building.delete(template.id)
      await storage.remove(staging).catch((thrown) => parts.log.warn({ error: String(thrown) }, 'staging not removed'))
    }
  }

  /** And looks once more: the record keeps nothing that is not needed any longer. */
  async function tellReady({ id, ref }: TemplateRecord, facts: Partial<Made>): Promise<void> {
    const status: TemplateStatus = { state: 'ready', at: timestamp(parts.env), name: ref, ...facts }
    await writeTemplateStatus(parts, id, status)
    await parts.arrivals.remove(id)
    nudge()
  }

  async function forget({ id, ref, making }: TemplateRecord): Promise<void> {
    await removeTemplateRecord(parts, keys.template(ref), id)
    if (making?.kind === 'import' && making.upload !== undefined) await parts.uploads.remove(making.upload)
  }

  /** One that is built stays as failed, to be looked at and built again; of the others nothing stays. */
  async function fail(template: TemplateRecord, error: CroftError): Promise<void> {
    if (template.making) await forget(template)
    else
      await writeTemplateStatus(parts, template.id, {
        state: 'failed',
        at: timestamp(parts.env),
        name: template.ref,
        reason: error.message,
      })
  }

  return {
    nudge,
    async sweep(pool) {
      const storage = parts.storage(pool)
      for (const id of (await storage.inventory()).staging)
        if (!building.has(id)) await storage.remove({ kind: 'staging', id })
    },
    async begin() {
      for (const work of [parts.builder, parts.images, parts.uploads, parts.arrivals])
        await work.sweep().catch((thrown) => parts.log.warn({ error: String(thrown) }, 'unfinished work not swept'))
      nudge()
    },
    cancel(id) {
      building.get(id)?.abort()
      return building.has(id)
    },
    async close() {
      closed = true
      closing.abort(new CroftError('CANCELLED', 'the daemon stops'))
      for (const abort of building.values()) abort.abort()
      await Promise.all(lanes.map(({ busy }) => busy))
    },
  }
}
