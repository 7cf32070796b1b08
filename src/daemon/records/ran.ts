/** What was set of a site when a release came to serve there: going back puts it back. Secrets are not kept twice. */
import { isCode } from '../../api/errors.ts'
import { type Changed, changedValues, revertStored } from '../../plan/config/stored.ts'
import { historyWrites } from '../../store/history.ts'
import type { Compare, Write } from '../../store/store.ts'
import type { Daemon } from '../daemon.ts'
import { timestamp } from '../env.ts'
import type { RanRecord, RolloutRecord, SiteConfigRecord, SiteRecord, SiteSecretRecord } from './app-records.ts'
import type { HistoryOf } from './change.ts'
import { keys } from './keys.ts'
import { read, readAll, schemaVersion } from './records.ts'

type Values = SiteConfigRecord['values']

export const readRan = async ({ store }: Daemon, site: string, ref: string): Promise<RanRecord | undefined> =>
  (await read<RanRecord>(store, keys.ran(site, ref)))?.value

/** Of as many as one can go back to. */
export async function ranWrites(
  { store }: Daemon,
  { site, to, set, created }: RolloutRecord,
  { previous }: SiteRecord,
): Promise<Write[]> {
  if (!set) return []
  const key = keys.ran(site, to)
  const kept = new Set([key, ...previous.map((ref) => keys.ran(site, ref))])
  const old = (await readAll<RanRecord>(store, keys.ranOf(site))).filter((each) => !kept.has(each.key))
  const value: RanRecord = { schema: schemaVersion, at: created, values: set }
  return [{ put: key, value }, ...old.map((each) => ({ delete: each.key }))]
}

/** For the history of what is set: a deploy sets as `croft config set` does. */
export function configHistory(
  { site, verb }: { readonly site: string; readonly verb: string },
  before: Values,
  after: Values,
): HistoryOf[] {
  const changed = changedValues(before, after)
  if (Object.keys({ ...changed.before, ...changed.after }).length === 0) return []
  return [{ kind: 'config', name: site, verb, ...changed }]
}

/** What who goes back is told. */
export async function backWarnings(
  { store }: Daemon,
  { site, ref }: { readonly site: string; readonly ref: string },
  { ran, changed }: { readonly ran: RanRecord | undefined; readonly changed: readonly HistoryOf[] },
): Promise<string[]> {
  if (!ran) return [`what was set when ${ref} ran here is not known: what is set now stays`]
  const secrets = await readAll<SiteSecretRecord>(store, keys.siteSecrets(site))
  const newer = secrets.flatMap(({ value: { name, at } }) => (at > ran.at ? [name] : []))
  const paths = changed.flatMap(({ before, after }) => Object.keys({ ...(before as object), ...(after as object) }))
  return [
    ...(paths.length === 0 ? [] : [`as it was set with ${ref}: ${few(paths)}; croft config history ${site}`]),
    ...(newer.length === 0 ? [] : [`secrets are not taken back; set since ${ref} came: ${few(newer)}`]),
  ]
}

/** For the record of the rollout: what `undoPutBack` takes. */
export const putBackOf = ([changed]: readonly HistoryOf[]): Pick<RolloutRecord, 'putBack'> =>
  changed ? { putBack: { before: changed.before as Changed['before'], after: changed.after as Changed['after'] } } : {}

/** It did not succeed: what was set before is set again, unless somebody has set it anew since. */
export async function undoPutBack(
  daemon: Daemon,
  { site, by, putBack }: RolloutRecord,
): Promise<{ readonly compare: Compare[]; readonly writes: Write[] } | undefined> {
  const config = putBack && (await read<SiteConfigRecord>(daemon.store, keys.siteConfig(site)))
  if (!config) return undefined
  const at = timestamp(daemon.env)
  try {
    const values = revertStored(config.value.values, putBack, { by, at })
    const told = configHistory({ site, verb: 'rollback failed' }, config.value.values, values)
    return {
      compare: [{ key: config.key, revision: config.revision }],
      writes: [
        { put: config.key, value: { ...config.value, values } satisfies SiteConfigRecord },
        ...told.flatMap((each) => historyWrites({ at, by, ...each }, daemon.env.id().slice(0, 8))),
      ],
    }
  } catch (thrown) {
    if (isCode(thrown, 'CHANGED_MEANWHILE')) return undefined
    throw thrown
  }
}

const mostNamed = 5
const few = (names: readonly string[]): string =>
  [...names.slice(0, mostNamed), ...(names.length > mostNamed ? ['…'] : [])].join(', ')
