/** What is told of the edge's certificates: pure. From sets of names, what there is, and what went wrong. */

import type { Certificate } from '../api/door.ts'
import type { Attention } from '../api/resources.ts'
import type { SetState, Trouble } from './acme.ts'
import {
  type CertificateSet,
  candidates,
  certificateChooser,
  covers,
  type HeldCertificate,
  isLent,
  isValid,
} from './certificate-sets.ts'
import { renewsAt } from './certificates.ts'

export interface ToldCertificate extends HeldCertificate {
  readonly name: string
  readonly fingerprint: string
  readonly issuer: string
  /** Its private key can be opened. */
  readonly usable: boolean
}

export interface Told {
  readonly sets: readonly CertificateSet[]
  readonly held: readonly ToldCertificate[]
  readonly stateOf: (set: string) => SetState | undefined
  readonly now: number
}

const soonMs = 14 * 24 * 3600 * 1000

/** A row for each imported one, and for each set of names that has not got all of its names from those. */
export function viewCertificates({ sets, held, stateOf, now }: Told): Certificate[] {
  const usable = held.filter((each) => each.usable)
  const imported = held.filter(({ kind }) => kind === 'imported')
  const chooserOf = (lent: boolean) => {
    const mine = candidates(usable, { lent })
    return { mine, choose: certificateChooser(mine, now) }
  }
  const [ofRoutes, ofGuests] = [chooserOf(false), chooserOf(true)]
  const rows = sets.flatMap((set): Certificate[] => {
    const { mine, choose } = set.lent ? ofGuests : ofRoutes
    const serving = set.names.flatMap((name) => choose(name) ?? []).filter(({ kind }) => kind !== 'imported')
    const best = serving.find(({ kind }) => kind === 'acme') ?? serving[0]
    if (!best) return []
    return [{ ...viewOf(best), name: set.name, names: set.names, ...troubles(set, stateOf(set.name), mine, now) }]
  })
  return [...imported.map((each) => viewOfImported(each, now)), ...rows].sort(byName)
}

const byName = (one: Certificate, two: Certificate): number => (one.name < two.name ? -1 : one.name > two.name ? 1 : 0)

function viewOf(each: ToldCertificate): Certificate {
  const { name, kind, fingerprint, names, issuer, from, until } = each
  return {
    ...{ name, kind, fingerprint, names, issuer },
    begins: time(from),
    expires: time(until),
    renews: kind === 'imported' ? null : time(renewsAt(each)),
  }
}

function viewOfImported(each: ToldCertificate, now: number): Certificate {
  const view = viewOf(each)
  if (!each.usable) return { ...view, state: 'lost' }
  if (!isValid(each, now)) return { ...view, state: 'expired' }
  return { ...view, state: each.until - now < soonMs ? 'ends-soon' : 'valid' }
}

function troubles(
  set: CertificateSet,
  state: SetState | undefined,
  usable: readonly ToldCertificate[],
  now: number,
): Pick<Certificate, 'state' | 'failure' | 'without'> {
  const isPublic = (name: string) =>
    usable.some((each) => each.kind !== 'farm' && isValid(each, now) && covers(each, name))
  const without = Object.entries(state?.names ?? {})
    .filter(([name]) => set.names.includes(name) && !isPublic(name))
    .map(([name, trouble]) => ({ name, ...said(trouble) }))
  const renewing = Object.values(state?.names ?? {}).find(({ by }) => by === 'server')
  const failure = state?.trouble ?? renewing
  const word = failure ? 'failing' : without.length > 0 ? 'waits' : 'valid'
  return {
    state: word,
    ...(failure ? { failure: said(failure) } : {}),
    ...(without.length > 0 ? { without } : {}),
  }
}

const said = ({ reason, at, retryAt }: Trouble) => ({ reason, at: time(at), retries: time(retryAt) })
const time = (ms: number): string => new Date(ms).toISOString()

export function certificateAttention(certificates: readonly Certificate[]): Attention[] {
  return certificates.flatMap((each) => {
    const what = `certificate ${each.name}`
    const next = `croft cert show ${each.name}`
    const day = each.expires?.slice(0, 10)
    if (each.state === 'expired') return [{ what, why: `it ended on ${day}`, do: 'croft cert import FILE' }]
    if (each.state === 'ends-soon')
      return [{ what, why: `it ends on ${day} and was imported: nobody renews it`, do: 'croft cert import FILE' }]
    if (each.state === 'lost')
      return [{ what, why: 'its private key cannot be opened by this farm’s seal key', do: next }]
    const [first] = each.without ?? []
    if (each.state === 'failing')
      return [{ what, why: `no new one came: ${each.failure?.reason ?? ''}`, do: `croft cert issue ${each.name}` }]
    return each.state === 'waits' && first ? [{ what, why: `${first.name}: ${first.reason}`, do: next }] : []
  })
}

/** Why a name has no certificate of a public CA, or no new one. */
export function certificateReasons(certificates: readonly Certificate[]): ReadonlyMap<string, string> {
  const reasons = new Map<string, string>()
  for (const { name: own, kind, names, failure, without = [] } of certificates) {
    if ((kind !== 'farm' && kind !== 'acme') || isLent(own)) continue
    if (failure) for (const name of names) reasons.set(name, failure.reason)
    for (const { name, reason } of without) reasons.set(name, reason)
  }
  return reasons
}
