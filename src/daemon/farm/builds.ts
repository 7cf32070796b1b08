/**
 * Builds of this host: a record that says `running` is walked, a few at a time and one of each app. What a daemon that died
 * left is begun again when its source can be had again. Every end takes the guest away before it is told.
 *
 *   queued → source → base → build → publish ─► done
 *      └────────┴────────┴───────┴───────┴────► failed, cancelled
 */
import { CroftError, toCroftError } from '../../api/errors.ts'
import type { Store } from '../../store/store.ts'
import type { Daemon } from '../daemon.ts'
import { timestamp } from '../env.ts'
import type { BuildRecord } from '../records/app-records.ts'
import { keys } from '../records/keys.ts'
import { type Held, read, readAll } from '../records/records.ts'

export interface Builds {
  /** What a daemon before this one left, and what is new. */
  begin(): void
  nudge(): void
  /** False when it is not at work here. */
  cancel(id: string): boolean
  readonly folder: string
  close(): Promise<void>
}

const atOnce = 2
const mostTries = 3
const keptBuilds = 100

interface Walk {
  readonly app: string
  readonly abort: AbortController
  readonly done: Promise<void>
}

export function createBuilds(daemon: Daemon, folder: string): Builds {
  const walks = new Map<string, Walk>()
  let closed = false
  let began = false
  let looking: Promise<void> | undefined
  let again = false

  function nudge(): void {
    if (closed || !began) return
    again = true
    looking ??= look()
      .catch((thrown) => log().error({ error: String(thrown) }, 'looking at builds failed'))
      .finally(() => {
        looking = undefined
        if (again) nudge()
      })
  }

  async function look(): Promise<void> {
    while (again && !closed) {
      again = false
      const records = await readAll<BuildRecord>(daemon.store, keys.builds)
      const running = records.filter(({ value }) => value.state === 'running')
      for (const record of running.toSorted((a, b) => (a.value.created < b.value.created ? -1 : 1))) {
        const { id, app, cancel } = record.value
        const isBusy = [...walks.values()].some((walk) => walk.app === app)
        if (closed || walks.has(id) || (!cancel && (isBusy || walks.size >= atOnce))) continue
        const abort = new AbortController()
        const done = walk(record, abort).finally(() => {
          walks.delete(id)
          nudge()
        })
        walks.set(id, { app, abort, done })
      }
    }
  }

  async function walk({ value: record }: Held<BuildRecord>, abort: AbortController): Promise<void> {
    let error: CroftError | undefined
    const how = await attempt(record, abort).catch((thrown): Partial<BuildRecord> => {
      error = withHint(toCroftError(thrown), record.id)
      const [reason = '', ...lines] = error.message.split('\n')
      const state = error.code === 'CANCELLED' ? 'cancelled' : 'failed'
      return { state, reason, ...(lines.length > 0 ? { lines } : {}) }
    })
    // Left as it is: the next daemon finds it so.
    if (closed) return
    try {
      await takeAway(record)
      daemon.open()?.parts.failpoint('buildEnd.before')
      await end(record.id, how, error)
    } catch (thrown) {
      log().error({ build: record.id, error: String(thrown) }, 'the end of a build could not be told; trying again')
      daemon.env.later(5000, nudge)
    }
  }

  async function attempt(record: BuildRecord, abort: AbortController): Promise<Partial<BuildRecord>> {
    const begun = await begin(record)
    const { walkBuild } = await import('./build-walk.ts')
    const made = await walkBuild(daemon, { record: begun, folder, signal: abort.signal })
    return { state: 'done', ...made }
  }

  async function takeAway(record: BuildRecord): Promise<void> {
    const { removeBuildGuest } = await import('./build-guest.ts')
    await removeBuildGuest(daemon, record)
    if (record.source.kind === 'upload') await daemon.open()?.parts.uploads.remove(record.source.upload)
  }

  async function begin(record: BuildRecord): Promise<BuildRecord> {
    if (record.cancel) throw cancelled()
    if (record.tries >= mostTries)
      throw new CroftError('FAILED', `the daemon has ended ${mostTries} times while it was built`)
    const begun: BuildRecord = { ...record, tries: record.tries + 1 }
    await change(daemon.store, record.id, () => begun)
    return begun
  }

  async function end(id: string, how: Partial<BuildRecord>, error?: CroftError): Promise<void> {
    await change(daemon.store, id, (now) => ({ ...now, ...how, finished: timestamp(daemon.env) }))
    const goal = { kind: 'build', id } as const
    const { operations } = daemon
    operations.settle(goal, operations.mark(), error ? { end: 'failed', error } : { end: 'met' })
    await forgetOld(daemon.store)
    // A build that failed may have made a base.
    const { removeOld } = await import('./retention.ts')
    await removeOld(daemon).catch((thrown) => log().error({ error: String(thrown) }, 'old releases not removed'))
  }

  /** Operations of builds that ended with the last daemon. */
  async function settleEnded(): Promise<void> {
    for (const goal of daemon.operations.goals()) {
      if (goal.kind !== 'build') continue
      const record = (await read<BuildRecord>(daemon.store, keys.build(goal.id)))?.value
      if (record?.state === 'running') continue
      const error = record?.state === 'done' ? undefined : new CroftError('FAILED', record?.reason ?? 'it is gone')
      daemon.operations.settle(goal, daemon.operations.mark(), error ? { end: 'failed', error } : { end: 'met' })
    }
  }

  const log = () => daemon.open()?.parts.log ?? { error() {} }

  return {
    folder,
    nudge,
    begin() {
      began = true
      settleEnded().catch((thrown) => log().error({ error: String(thrown) }, 'ended builds could not be told'))
      nudge()
    },
    cancel(id) {
      walks.get(id)?.abort.abort(cancelled())
      return walks.has(id)
    },
    async close() {
      closed = true
      for (const { abort } of walks.values()) abort.abort(new CroftError('CANCELLED', 'the daemon stops'))
      await looking
      await Promise.all([...walks.values()].map(({ done }) => done))
    },
  }
}

const withHint = (error: CroftError, id: string): CroftError =>
  error.hint === undefined && error.code !== 'CANCELLED'
    ? new CroftError(error.code, error.message, { hint: `croft build logs ${id.slice(0, 12)}`, cause: error })
    : error

const cancelled = (): CroftError => new CroftError('CANCELLED', 'the build was cancelled')

export async function change(store: Store, id: string, to: (now: BuildRecord) => BuildRecord): Promise<void> {
  const found = await read<BuildRecord>(store, keys.build(id))
  if (!found) throw new CroftError('NOT_FOUND', `no build ${id}`, { hint: 'croft build ls' })
  await store.transact([{ key: found.key, revision: found.revision }], [{ put: found.key, value: to(found.value) }])
}

/** The newest ended ones stay. */
async function forgetOld(store: Store): Promise<void> {
  const ended = (await readAll<BuildRecord>(store, keys.builds))
    .filter(({ value }) => value.state !== 'running')
    .toSorted((a, b) => (a.value.created < b.value.created ? 1 : -1))
  for (const { key } of ended.slice(keptBuilds)) await store.transact([], [{ delete: key }])
}
