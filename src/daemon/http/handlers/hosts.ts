/** Hosts: what they are, what is said of them, what differs between wish and fact, and closing the difference. */
import type { z } from 'zod'
import { CroftError } from '../../../api/errors.ts'
import type { Host, HostChange } from '../../../api/host.ts'
import type { PlannedStep, Pool } from '../../../api/resources.ts'
import { type Daemon, getFarm, type WholeDaemon } from '../../daemon.ts'
import { adoptOrphans } from '../../host/adopt.ts'
import { planHost } from '../../host/plan-host.ts'
import { askOthers, isForAll } from '../../peers/ask-all.ts'
import { assertRevision, type Change, commit } from '../../records/change.ts'
import { differences } from '../../records/edge-settings.ts'
import type { Writing } from '../../records/guest-spec.ts'
import { type KnownHost, readHosts, settingsOf, viewHost } from '../../records/host-views.ts'
import { keys } from '../../records/keys.ts'
import { type HostRecord, type PoolRecord, readAll } from '../../records/records.ts'
import type { Caller } from '../access.ts'
import type { Handlers } from '../handler.ts'

export const handlers = {
  /** From the store, with what each says of itself now. */
  async listHosts(daemon, { caller }): Promise<Host[]> {
    const hosts = await readHosts(daemon)
    const { name: own } = getFarm(daemon).parts.host
    const meant = isForAll(caller) ? hosts : hosts.filter(({ host }) => host.value.name === own)
    const [told, views] = await Promise.all([
      askOthers<Host[]>(daemon, caller, '/v1/hosts'),
      Promise.all(meant.map((known) => viewHost(daemon, known, hosts.length === 1))),
    ])
    return views.map((view) => told.get(view.name)?.find(({ name }) => name === view.name) ?? view)
  },

  getHost: (daemon, { params }) => viewNamed(daemon, params.host),

  changeHost: (daemon, { params, body, query, caller }) =>
    writeHost(daemon, { name: params.host, verb: 'set', query, caller }, (host) => changedHost(host, body)),

  async drainHost(daemon, { params: { host: name }, body, query, caller }) {
    if (body.move) {
      assertHost(daemon, name)
      const { drainAndMove } = await import('../../moves/drain.ts')
      return drainAndMove(daemon, { caller, body, query }, () => viewNamed(daemon, name))
    }
    const answer = await writeHost(
      daemon,
      { name, verb: body.drained ? 'drain' : 'undrain', query, caller },
      ({ drained: _, ...host }): HostRecord => (body.drained ? { ...host, drained: true } : host),
    )
    if (!body.drained) return answer
    const { leavingWith } = await import('../../placing/leaving.ts')
    const { leaving, staying } = await leavingWith(daemon, name)
    if (answer.result) return { ...answer, result: { ...answer.result, leaving: leaving.length, staying } }
    const goes = leaving.map((what) => ({ what, step: 'leave', detail: 'begun elsewhere, then taken away here' }))
    const stays = staying.map((what) => ({ what, step: 'stay', detail: 'until it is moved: --move' }))
    return { ...answer, steps: [...(answer.steps ?? []), ...goes, ...stays] }
  },

  async readSiteFile(daemon, { params }) {
    const { readSiteFile } = await import('../../host/site-file.ts')
    return (await readSiteFile(getFarm(daemon).parts.sitesDir, params.app)) ?? {}
  },

  async planHost(daemon, { params }): Promise<{ steps: readonly PlannedStep[] }> {
    assertHost(daemon, params.host)
    return { steps: await planHost(getFarm(daemon).parts, getFarm(daemon).loop) }
  },

  async applyHost(daemon, { params, query, caller }) {
    assertHost(daemon, params.host)
    const { parts, loop } = getFarm(daemon)
    const steps = await planHost(parts, loop)
    if (query.dryRun) return { operation: null, result: null, steps }
    const adopted = query.adopt ? await adoptOrphans(parts, caller.name) : []
    await loop.lookAround()
    return { operation: null, result: { adopted, left: await planHost(parts, loop) }, steps }
  },

  listPools: (daemon, { caller }) => listPoolViews(daemon, caller),
} satisfies Partial<Handlers>

/** Of all hosts; what those that are away would say is not known. */
export async function listPoolViews(daemon: Daemon, caller: Caller): Promise<Pool[]> {
  const { others } = getFarm(daemon)
  const own = await listOwnPools(daemon)
  if (!others || !isForAll(caller)) return own
  const told = await askOthers<Pool[]>(daemon, caller, '/v1/pools')
  const rest = others.hosts().filter(({ name, witness }) => name !== others.own && !witness)
  const views = rest.map(async ({ name: host }): Promise<readonly Pool[]> => {
    const away = { mounted: false, reason: `host ${host} does not answer`, totalBytes: null, freeBytes: null }
    const records = async () => (await readAll<PoolRecord>(daemon.store, keys.pools(host))).map(({ value }) => value)
    return told.get(host) ?? (await records()).map(({ name, kind, source }) => ({ name, host, kind, source, ...away }))
  })
  return [...own, ...(await Promise.all(views)).flat()]
}

export async function listOwnPools(daemon: Daemon): Promise<Pool[]> {
  const { parts } = getFarm(daemon)
  const records = await readAll<PoolRecord>(daemon.store, keys.pools(parts.host.name))
  return Promise.all(
    records.map(async ({ value: { name, kind, source } }) => ({
      ...{ name, host: parts.host.name, kind, source },
      ...(await parts.pools.state(name)),
    })),
  )
}

function assertHost(daemon: WholeDaemon, name: string): void {
  if (name === getFarm(daemon).parts.host.name) return
  throw new CroftError('NOT_FOUND', `no host "${name}"`, { hint: 'croft host ls' })
}

async function getKnown(daemon: WholeDaemon, name: string): Promise<{ known: KnownHost; isAlone: boolean }> {
  const hosts = await readHosts(daemon)
  const known = hosts.find(({ host }) => host.value.name === name)
  if (known) return { known, isAlone: hosts.length === 1 }
  throw new CroftError('NOT_FOUND', `no host "${name}"`, { hint: 'croft host ls' })
}

async function viewNamed(daemon: WholeDaemon, name: string): Promise<Host> {
  const { known, isAlone } = await getKnown(daemon, name)
  return viewHost(daemon, known, isAlone)
}

/** What is said of a host is written here, whichever it is of: its daemon reads it. */
async function writeHost(
  daemon: WholeDaemon,
  { name, verb, query, caller }: { readonly name: string; readonly verb: string } & Writing,
  to: (before: HostRecord) => HostRecord,
) {
  const decide = async (): Promise<Change> => {
    const { key, revision, value } = (await getKnown(daemon, name)).known.host
    assertRevision(query, revision, `host ${name}`)
    const after = to(value)
    const [told, tell] = [settingsOf(value), settingsOf(after)]
    const same = JSON.stringify(told) === JSON.stringify(tell)
    return {
      ...{ kind: 'host', name, verb, before: told, after: tell },
      ...{ compare: [{ key, revision }], writes: same ? [] : [{ put: key, value: after }] },
    }
  }
  if (query.dryRun) {
    const { before, after } = await decide()
    const steps = differences(name, before as object, after as object)
    return { operation: null, result: null, steps }
  }
  await commit(daemon, caller, query, decide)
  return { operation: null, result: await viewNamed(daemon, name), steps: undefined }
}

type Settings = z.output<typeof HostChange>

function changedHost(host: HostRecord, { tags, overcommit, diskOvercommit, reserve, sendRate }: Settings): HostRecord {
  const { overcommit: hadTimes, diskOvercommit: hadDisk, reserveBytes: hadReserve, sendRate: hadRate, ...rest } = host
  const set = <T>(key: string, had: T | undefined, said: T | null | undefined) => {
    const value = said === undefined ? had : said
    return value === undefined || value === null ? {} : { [key]: value }
  }
  return {
    ...rest,
    ...(tags === undefined ? {} : { tags: [...new Set(tags)].sort() }),
    ...set('overcommit', hadTimes, overcommit),
    ...set('diskOvercommit', hadDisk, diskOvercommit),
    ...set('reserveBytes', hadReserve, reserve),
    ...set('sendRate', hadRate, sendRate),
  }
}
