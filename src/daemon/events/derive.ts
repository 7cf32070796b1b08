/** Which record tells what: from the changes of one revision to the events they tell. Pure. */
import { isDeepStrictEqual } from 'node:util'
import type { EventKind } from '../../api/events.ts'
import type { HistoryEntry } from '../../api/resources.ts'
import type { SetState } from '../../plan/acme.ts'
import {
  type CertificateSeen,
  type EdgeStatus,
  type Ending,
  tellAcme,
  tellCertificate,
  tellEdge,
  tellEnding,
} from '../../plan/edge-events.ts'
import {
  type CheckState,
  type HookState,
  type SiteExits,
  type SiteWish,
  type Told,
  tellCheck,
  tellConfig,
  tellExits,
  tellGuest,
  tellGuestStatus,
  tellHook,
  tellOperation,
  tellRecord,
  tellSecret,
  tellSite,
  tellSnapshot,
  tellTemplateStatus,
} from '../../plan/events.ts'
import { type ReplicaSeen, tellReplica } from '../../plan/replica-events.ts'
import { recordsPrefix } from '../../store/history.ts'
import type { Batch, Change } from '../../store/store.ts'
import { keys } from '../records/keys.ts'

/** In an order that does not depend on who replays it: a cursor counts the events of its revision. */
export function tellBatch({ changes }: Batch): Told[] {
  const sorted = [...changes].sort((a, b) => (a.key < b.key ? -1 : 1))
  const removal = sorted.map(removalOf).find((time) => time !== undefined)
  const why = sorted.map(historyOf).find((entry) => entry !== undefined)
  return sorted.flatMap((change) => {
    const more = why && wishes.test(change.key) ? why : removal
    return tellChange(change).map((one) => ({ ...more, ...one }))
  })
}

/** What history tells of. */
const wishes = /^(guests|routes|templates|sizes|pools|hosts|farm|apps|sites|configs|secrets|certificates)(\/|$)/

function removalOf(change: Change): Pick<Told, 'at'> | undefined {
  if (change.kind !== 'put' || !change.key.startsWith(keys.removal(''))) return undefined
  const { at } = (change.value ?? {}) as { at?: string }
  return at === undefined ? undefined : { at }
}

/** The history entry of the same transaction says who, when and why. */
function historyOf(change: Change): Pick<Told, 'at' | 'by' | 'reason'> | undefined {
  if (change.kind !== 'put' || !change.key.startsWith(recordsPrefix)) return undefined
  const { at, by, reason } = (change.value ?? {}) as Partial<HistoryEntry>
  if (at === undefined || by === undefined) return undefined
  return { at, by, ...(reason === undefined ? {} : { reason }) }
}

/** A record that somebody wrote by hand may be anything: what cannot be told is not told. */
function tellChange(change: Change): Told[] {
  const after = change.kind === 'put' ? change.value : undefined
  try {
    return tellKey(change.key, change.before, after).filter(({ name }) => typeof name === 'string')
  } catch {
    return []
  }
}

function tellKey(key: string, before: unknown, after: unknown): Told[] {
  const [prefix = '', first = '', ...rest] = key.split('/')
  const last = rest.at(-1) ?? first
  switch (prefix) {
    case 'farm':
      return tellRecord('farm', nameIn(before, after) ?? 'farm', before, after)
    case 'hosts':
    case 'sizes':
      return tellRecord(prefix === 'hosts' ? 'host' : 'size', first, before, after)
    case 'pools':
      return on(first, tellRecord('pool', last, before, after))
    case 'guests':
      return on(first, tellGuest(before as Parameters<typeof tellGuest>[0], after as Parameters<typeof tellGuest>[1]))
    case 'routes':
      return tellRecord('route', nameIn(after, before) ?? first, before, after)
    case 'apps':
      // Written anew with each of its sites.
      return isDeepStrictEqual(before, after) ? [] : tellRecord('app', first, before, after)
    case 'sites':
      return tellSite(`${first}/${last}`, before as SiteWish | undefined, after as SiteWish | undefined)
    case 'exits':
      return tellExits(`${first}/${last}`, before as SiteExits | undefined, after as SiteExits | undefined)
    case 'configs':
      return tellConfig(`${first}/${last}`, before as object | undefined, after as object | undefined)
    case 'secrets':
      return first === 'sites' ? tellSecret(rest.slice(0, 2).join('/'), last, after) : []
    case 'templates':
      return before === undefined || after === undefined ? tellRecord('template', refIn(key), before, after) : []
    case 'operations':
      return tellOperation(before as Parameters<typeof tellOperation>[0], after as Parameters<typeof tellOperation>[1])
    case 'hooks':
      return on(first, tellHook(last, before as HookState | undefined, after as HookState | undefined))
    case 'checks':
      return on(first, tellCheck(before as CheckState | undefined, after as CheckState | undefined))
    case 'certificates':
      return tellCertificate(last, before as CertificateSeen | undefined, after as CertificateSeen | undefined)
    case 'edges':
      return on(first, tellEdge('edge', before as EdgeStatus | undefined, after as EdgeStatus | undefined))
    case 'replicated':
      return on(
        last,
        tellReplica(nameIn(after, before) ?? `#${Number(first)}`, before as ReplicaSeen, after as ReplicaSeen),
      )
    case 'endings':
      return tellEnding(before as Ending | undefined, after as Ending | undefined)
    case 'acme':
      return first === 'sets' ? tellAcme(last, before as SetState | undefined, after as SetState | undefined) : []
    case 'status':
      return on(
        first,
        tellStatus(rest[0] ?? '', nameIn(after, before) ?? `#${Number(last) || last}`, { before, after }),
      )
    default:
      return []
  }
}

function tellStatus(kind: string, name: string, { before, after }: { before: unknown; after: unknown }): Told[] {
  const tellers = { guest: tellGuestStatus, snapshot: tellSnapshot, template: tellTemplateStatus }
  if (!Object.hasOwn(tellers, kind)) return []
  const teller = tellers[kind as keyof typeof tellers] as (name: string, before: unknown, after: unknown) => Told[]
  return teller(name, before, after)
}

const refIn = (key: string): string => key.slice('templates/'.length)

const on = (host: string, events: readonly Told[]): Told[] => events.map((event) => ({ ...event, host }))

/** Whose record it is; statuses carry the name too, for their keys are numbers. */
function nameIn(...records: readonly unknown[]): string | undefined {
  const names = records.map((record) => (record as { name?: unknown } | null | undefined)?.name)
  return names.find((name): name is string => typeof name === 'string')
}

/** The noun that somebody must be allowed to read to be told. */
export const nounOf = (kind: EventKind): string => nouns[kind] ?? kind

const nouns: Readonly<Partial<Record<EventKind, string>>> = {
  op: 'operation',
  hook: 'host',
  check: 'route',
  edge: 'route',
  replica: 'guest',
}
