/** A route as it was before a change: its settings, that it was not there, or that it was. */
import { isDeepStrictEqual } from 'node:util'
import type { RouteSpec } from '../../../api/edge.ts'
import { CroftError } from '../../../api/errors.ts'
import type { HistoryEntry } from '../../../api/resources.ts'
import { addWords, revertRoute } from '../../../plan/route-change.ts'
import { type Daemon, getFarm } from '../../daemon.ts'
import { aimAgain } from '../../edge/aim.ts'
import type { SiteRecord } from '../../records/app-records.ts'
import { commit } from '../../records/change.ts'
import type { Writing } from '../../records/guest-spec.ts'
import { keys } from '../../records/keys.ts'
import { read } from '../../records/records.ts'
import { decideAdd, decideChange, decideRemove } from '../../records/route-decisions.ts'
import { readEdgeGuests } from '../../records/routes.ts'
import { planned, served } from './routes.ts'

export async function revertRouteTo(daemon: Daemon, entry: HistoryEntry, how: Writing) {
  const [before, after] = [entry.before, entry.after] as (RouteSpec | null)[]
  if (before && after) return revertChange(daemon, entry, { ...how, before, after })
  if (before) return addAgain(daemon, entry, { ...how, before })
  return takeBack(daemon, entry, { ...how, after: after ?? undefined })
}

const verbOf = ({ revision }: HistoryEntry): string => `revert ${revision}`

async function revertChange(
  daemon: Daemon,
  entry: HistoryEntry,
  { query, caller, before, after }: Writing & { readonly before: RouteSpec; readonly after: RouteSpec },
) {
  const { name } = entry
  const led = isDeepStrictEqual(before.target, after.target)
  const target = led ? before.target : await aimAgain(daemon, before.target, { name, caller })
  const to = (spec: RouteSpec) => revertRoute(spec, { ...before, target }, after)
  const decide = () => decideChange(daemon, name, { change: {}, hashes: {}, query, verb: verbOf(entry), to })
  if (query.dryRun) return planned(name, await decide())
  await commit(daemon, caller, query, decide)
  return served(daemon, name, { isNew: !led })
}

/** Passwords went with it: it would be open to everybody. */
async function addAgain(daemon: Daemon, entry: HistoryEntry, how: Writing & { readonly before: RouteSpec }) {
  const { name, revision } = entry
  const { query, caller, before } = how
  const { parts, loop } = getFarm(daemon)
  const guests = await readEdgeGuests(parts)
  const { target } = before
  const guest =
    target.kind === 'guest' ? guests.find(({ number, id }) => number === target.number && id === target.id) : undefined
  const again = `croft route add ${addWords(name, before, guest?.name)}`
  if (before.users)
    throw new CroftError('REFUSED', `revision ${revision} took the passwords of ${before.users.join(', ')} with it`, {
      hint: again,
    })
  if (target.kind === 'site' && (await read<SiteRecord>(daemon.store, keys.site(target.site)))?.value.id !== target.id)
    throw new CroftError('REFUSED', `the site that ${name} led to is gone`, { hint: 'croft site ls' })
  if (target.kind === 'guest' && !guest)
    throw new CroftError('REFUSED', `the guest that ${name} led to is gone`, { hint: again })
  const aim = await aimAgain(daemon, target, { name, caller })
  const id = daemon.env.id()
  const adding = {
    name,
    id,
    change: {},
    hashes: {},
    by: caller.name,
    verb: verbOf(entry),
    spec: { ...before, target: aim },
  }
  const decide = () => decideAdd(daemon, adding)
  if (query.dryRun) return planned(name, await decide())
  await commit(daemon, caller, query, decide)
  const answer = await served(daemon, name, { isNew: true })
  await loop.gate.refresh()
  return answer
}

async function takeBack(daemon: Daemon, entry: HistoryEntry, how: Writing & { readonly after: RouteSpec | undefined }) {
  const { name } = entry
  const { query, caller, after } = how
  const decide = () => decideRemove(daemon, name, { query, verb: verbOf(entry), ...(after ? { was: after } : {}) })
  if (query.dryRun) return planned(name, await decide())
  await commit(daemon, caller, query, decide)
  const { edge, gate } = getFarm(daemon).loop
  await Promise.all([edge.refresh(), gate.refresh()])
  return { operation: null, result: null }
}
