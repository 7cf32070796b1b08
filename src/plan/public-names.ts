/** Whether a public CA could prove that a name is ours, from what the public's name servers say. Pure. */
import type { Verdict } from './acme.ts'

const ownZones = ['internal', 'local', 'localhost', 'lan', 'home.arpa', 'onion', 'invalid']
/** Names that no public CA certifies, whatever name servers say. */
export const isPublic = (name: string): boolean => !ownZones.some((zone) => name.endsWith(`.${zone}`))

const trialZones = ['test', 'example', 'invalid', 'localhost', 'internal', 'example.org', 'example.com', 'example.net']
/** Names that nobody can have (RFC 2606, 6761): what public name servers say of them is no news. */
export const isForTrials = (name: string): boolean =>
  trialZones.some((zone) => name === zone || name.endsWith(`.${zone}`))

/** Undefined: nobody could tell; `why` says what was in the way. */
export interface NameFacts {
  readonly name: string
  readonly a: readonly string[] | undefined
  readonly aaaa: readonly string[] | undefined
  /** Of the name or the nearest name above it that has any; empty: everybody may. */
  readonly caa: readonly CaaEntry[] | undefined
  readonly why?: string
}

export interface CaaEntry {
  readonly tag: string
  readonly value: string
}

export interface Expected {
  readonly isEdge: (address: string) => boolean
  /** As people know them. */
  readonly edges: readonly string[]
  /** Names of the ACME server in CAA records; empty: they are not known yet. */
  readonly identities: readonly string[]
}

export function judgeName(facts: NameFacts, expected: Expected): Verdict {
  const { name, a, aaaa, caa, why = 'no answer' } = facts
  const no = (reason: string, certain = true): Verdict => ({ name, reason, certain })
  if (a === undefined || aaaa === undefined) return no(`its addresses cannot be looked up: ${why}`, false)
  const all = [...a, ...aaaa]
  if (all.length === 0) return no('it has no address that the public sees')
  const elsewhere = all.filter((address) => !expected.isEdge(address))
  if (elsewhere.length > 0) return no(`it points to ${listed(elsewhere)}, not to this edge (${listed(expected.edges)})`)
  return judgeCaa(name, caa, { ...expected, why })
}

/** A wildcard is proven by a DNS record, so it need not point here. */
export function judgeCaa(
  name: string,
  caa: readonly CaaEntry[] | undefined,
  { identities, why }: Pick<Expected, 'identities'> & { readonly why: string },
): Verdict {
  if (identities.length === 0) return { name, certain: true }
  if (caa === undefined) return { name, reason: `its CAA records cannot be looked up: ${why}`, certain: false }
  const of = (tag: string) => caa.filter((each) => each.tag.toLowerCase() === tag)
  const wild = of('issuewild')
  const rules = name.startsWith('*.') && wild.length > 0 ? wild : of('issue')
  if (rules.length === 0 || rules.some(({ value }) => identities.includes(issuerOf(value))))
    return { name, certain: true }
  const allowed = rules.map(({ value }) => issuerOf(value)).filter((issuer) => issuer !== '')
  return {
    name,
    reason: `its CAA record lets only ${listed(allowed) || 'nobody'} issue, not ${identities[0]}`,
    certain: true,
  }
}

const issuerOf = (value: string): string => (value.split(';')[0] ?? '').trim().toLowerCase()

/** Short: a name may have a hundred addresses. */
function listed(words: readonly string[]): string {
  const shown = words.slice(0, 3).map((word) => word.slice(0, 80))
  return shown.join(', ') + (words.length > 3 ? ` and ${words.length - 3} more` : '')
}
