/** What is set of a site. It is written down here, and takes effect with the next deploy. */
import { CroftError, toCroftError } from '../../../api/errors.ts'
import type { HistoryEntry } from '../../../api/resources.ts'
import type { WriteQuery } from '../../../api/schemas.ts'
import type { ConfigDifference, SiteConfig } from '../../../api/site.ts'
import type { Changed, StoredValues } from '../../../plan/config/stored.ts'
import { type Daemon, getFarm } from '../../daemon.ts'
import { timestamp } from '../../env.ts'
import type {
  MembersRecord,
  RolloutRecord,
  SiteConfigRecord,
  SiteRecord,
  SiteSecretRecord,
} from '../../records/app-records.ts'
import { assertRevision, type Change, commit } from '../../records/change.ts'
import { differences } from '../../records/edge-settings.ts'
import { hostOfSlot } from '../../records/host-layers.ts'
import { keys } from '../../records/keys.ts'
import { read, readAll, schemaVersion } from '../../records/records.ts'
import { configOf, layersOf } from '../../records/site-config.ts'
import { getSite, getSiteToChange } from '../../records/sites.ts'
import { getSize } from '../../records/sizes.ts'
import type { Caller } from '../access.ts'
import type { Handlers } from '../handler.ts'

const mostBytes = 256 * 1024

export const handlers = {
  async getConfig(daemon, { params: { site }, query }): Promise<SiteConfig> {
    const { value } = await getSite(daemon, site)
    const release = query.release ?? value.release
    const record = await read<SiteConfigRecord>(daemon.store, keys.siteConfig(site))
    const layers = await layersOf(getFarm(daemon).parts, site, release, {
      slot: query.instance,
      at: await hostOfSlot(daemon, site, query.instance),
    })
    const [{ linesOf, linesOfLayers }, { resolveConfig }] = await Promise.all([
      import('../../../plan/config/compare.ts'),
      import('../../../plan/config/resolve.ts'),
    ])
    const about = { site, release, revision: record?.revision ?? 0 }
    // Nothing is missing of what is not there yet.
    if (release === null) return { ...about, values: linesOfLayers(layers) }
    try {
      const resolved = resolveConfig(layers, { site, release, slot: query.instance ?? 1 })
      return { ...about, values: linesOf(resolved, query.all, layers) }
    } catch (thrown) {
      return { ...about, values: linesOfLayers(layers), problem: toCroftError(thrown).message }
    }
  },

  async changeConfig(daemon, { params: { site }, body, query, caller }) {
    const { set, unset, host, instance: slot } = body
    const { setStored } = await import('../../../plan/config/stored.ts')
    const size = set['instances.size']
    if (size !== undefined) await getSize(daemon, String(size))
    const mark = { by: caller.name, at: timestamp(daemon.env) }
    const to = (values: StoredValues) => setStored(values, { set, unset, host, slot, ...mark })
    return writeConfig(daemon, site, { query, caller, to, verb: Object.keys(set).length > 0 ? 'set' : 'unset' })
  },

  async diffConfig(daemon, { params: { site }, query }): Promise<ConfigDifference[]> {
    const { value } = await getSite(daemon, site)
    const release = query.release ?? value.release
    if (release === null)
      throw new CroftError('REFUSED', `nothing was deployed to ${site} yet; against which release?`, {
        hint: `croft config diff ${site} RELEASE   (croft release ls)`,
      })
    return pendingOf(daemon, site, release)
  },
} satisfies Partial<Handlers>

/** What a deploy of this release would change of what serves. */
export async function pendingOf(daemon: Daemon, site: string, release: string): Promise<ConfigDifference[]> {
  const next = await configOf(getFarm(daemon).parts, site, release, { at: await hostOfSlot(daemon, site) })
  const { differencesBetween } = await import('../../../plan/config/compare.ts')
  const members = await read<MembersRecord>(daemon.store, keys.membersOf(site))
  return [...differencesBetween(members?.value.serves?.config, next), ...(await newSecrets(daemon, site))]
}

/** Set after the last deploy; not what they are. */
async function newSecrets({ store }: Daemon, site: string): Promise<ConfigDifference[]> {
  const rollout = await read<RolloutRecord>(store, keys.rollout(site))
  if (rollout?.value.state !== 'done') return []
  const secrets = await readAll<SiteSecretRecord>(store, keys.siteSecrets(site))
  return secrets
    .filter(({ value }) => value.at > rollout.value.created)
    .map(({ value: { name, by, at } }) => ({
      ...{ path: `secret.${name}`, now: null, next: 'set since' },
      origin: { layer: 'stage', from: 'croft secret set', by, at },
    }))
}

interface Writing {
  readonly query: WriteQuery
  readonly caller: Caller
  readonly verb: string
  readonly to: (values: StoredValues) => StoredValues
}

async function writeConfig(daemon: Daemon, site: string, { query, caller, verb, to }: Writing) {
  const { changedValues } = await import('../../../plan/config/stored.ts')
  const key = keys.siteConfig(site)
  const decide = async (): Promise<Change> => {
    const holder = await getSiteToChange(daemon, site)
    const record = await read<SiteConfigRecord>(daemon.store, key)
    if (query.ifRevision !== undefined) assertRevision(query, record?.revision ?? 0, `config ${site}`)
    const values = to(record?.value.values ?? {})
    assertSize(site, values)
    const { before, after } = changedValues(record?.value.values ?? {}, values)
    const same = Object.keys({ ...before, ...after }).length === 0
    return {
      ...{ kind: 'config', name: site, verb, before, after },
      compare: [
        { key: holder.key, revision: holder.revision },
        { key, revision: record?.revision ?? 0 },
      ],
      writes: same ? [] : [{ put: key, value: { schema: schemaVersion, values } satisfies SiteConfigRecord }],
    }
  }
  const change = await decide()
  if (query.dryRun)
    return { operation: null, result: null, steps: differences(site, change.before as object, change.after as object) }
  if (change.writes.length > 0) await commit(daemon, caller, query, decide)
  const warnings = await warningsOf(daemon, site, change)
  return {
    ...{ operation: null, result: { site, set: change.after } },
    ...(change.writes.length === 0 ? { unchanged: true } : {}),
    ...(warnings.length === 0 ? {} : { warnings }),
  }
}

function assertSize(site: string, values: StoredValues): void {
  if (Buffer.byteLength(JSON.stringify(values)) <= mostBytes) return
  throw new CroftError('TOO_LARGE', `what is set of ${site} grows beyond 256 KiB`, {
    hint: `croft config show ${site}`,
  })
}

/** It is written down in any case: the release that it is for may not be there yet. */
async function warningsOf(daemon: Daemon, site: string, { after }: Change): Promise<string[]> {
  const { value } = await getSite(daemon, site)
  const open = Object.entries(after as Changed['after']).filter(
    ([path, said]) => /(PASSWORD|PASSWD|SECRET|TOKEN|PRIVATE_?KEY)/i.test(path) && !/\$\{secret\./.test(String(said)),
  )
  const plain = open.map(
    ([path]) => `${path} is kept in plain, and shown; a secret is said by: croft secret set ${site} NAME`,
  )
  const problem = await problemOf(daemon, site, value)
  return [...plain, ...(problem === undefined ? [] : [problem])]
}

async function problemOf(daemon: Daemon, site: string, { release }: SiteRecord): Promise<string | undefined> {
  if (release === null) return undefined
  try {
    await configOf(getFarm(daemon).parts, site, release, { at: await hostOfSlot(daemon, site) })
    return undefined
  } catch (thrown) {
    return `with ${release} it cannot be deployed like this: ${toCroftError(thrown).message}`
  }
}

export async function revertConfig(daemon: Daemon, entry: HistoryEntry, how: Pick<Writing, 'query' | 'caller'>) {
  const { name, revision, before, after } = entry
  const { revertStored } = await import('../../../plan/config/stored.ts')
  const mark = { by: how.caller.name, at: timestamp(daemon.env) }
  const changed = { before: before ?? {}, after: after ?? {} } as Changed
  const to = (values: StoredValues) => revertStored(values, changed, mark)
  return writeConfig(daemon, name, { ...how, to, verb: `revert ${revision}` })
}
