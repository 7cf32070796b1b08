/** Which names go together into one certificate, and which of the certificates there are serves each name. Pure. */
import { renewsAt } from './certificates.ts'

/** More names no public CA takes into one certificate. */
export const mostNames = 100

export interface CertificateSet {
  /** Of the first name; becomes a file's name and a key. */
  readonly name: string
  readonly names: readonly string[]
  /** Wildcards are proven another way, so they stand alone: one that cannot be had keeps no other name from its own. */
  readonly wildcard: boolean
  /** For guests that were given the certificate of this one name. */
  readonly lent?: boolean
}

/** No host name has such a letter: no route's set and no imported one is called so. */
const lentPrefix = 'guest_'
export const isLent = (name: string): boolean => name.startsWith(lentPrefix)

/**
 * What guests are given is of a set of its own, with a key of its own, whatever routes have the name: routes change their names
 * and owners, and none of theirs may come into a guest's hands by that.
 */
export const lentSets = (names: readonly string[]): CertificateSet[] =>
  [...new Set(names)].map((name) => ({ name: lentPrefix + name, names: [name], wildcard: false, lent: true }))

/**
 * From the host names of each route. A name that several routes have (by path) goes with the first of them, in the order of
 * their first names, whatever order they come in.
 */
export function certificateSets(groups: readonly (readonly string[])[]): CertificateSet[] {
  const taken = new Set<string>()
  const sorted = groups.filter((group) => group.length > 0).toSorted(byFirstName)
  const sets = new Map<string, CertificateSet>()
  for (const group of sorted) {
    const names = [...new Set(group)].filter((name) => !taken.has(name))
    for (const name of names) taken.add(name)
    for (const set of [...chunks(names.filter(isPlain), false), ...chunks(names.filter(isWildcard), true)])
      sets.set(set.name, set)
  }
  return [...sets.values()]
}

const byFirstName = (one: readonly string[], two: readonly string[]): number => {
  const [left = '', right = ''] = [one[0], two[0]]
  return left < right ? -1 : left > right ? 1 : 0
}
export const isWildcard = (name: string): boolean => name.startsWith('*.')
const isPlain = (name: string): boolean => !isWildcard(name)

function chunks(names: readonly string[], wildcard: boolean): CertificateSet[] {
  const made: CertificateSet[] = []
  for (let from = 0; from < names.length; from += mostNames) {
    const part = names.slice(from, from + mostNames)
    made.push({ name: `${part[0] ?? ''}`.replace('*', '_'), names: part, wildcard })
  }
  return made
}

/** A certificate that is there. */
export interface HeldCertificate {
  readonly kind: CertificateKind
  readonly names: readonly string[]
  readonly from: number
  readonly until: number
  /** Made for guests: its key is in their hands. */
  readonly lent?: boolean
}
export type CertificateKind = 'imported' | 'acme' | 'farm'
const rank: Readonly<Record<CertificateKind, number>> = { imported: 0, acme: 1, farm: 2 }

/** `*.example.org` stands for one label. */
export const covers = ({ names }: Pick<HeldCertificate, 'names'>, name: string): boolean =>
  names.includes(name) || names.includes(`*.${name.slice(name.indexOf('.') + 1)}`)

export const isValid = ({ from, until }: Pick<HeldCertificate, 'from' | 'until'>, now: number): boolean =>
  from <= now && now < until

/** Those that may go to guests, or serve at the edge. Of imported ones guests get what is for one name alone. */
export function candidates<C extends HeldCertificate>(held: readonly C[], { lent = false }: { lent?: boolean }): C[] {
  const isForOne = ({ kind, names: [first = '*.', ...more] }: C) =>
    kind === 'imported' && isPlain(first) && more.every((name) => name === first)
  return held.filter((each) => (lent ? each.lent === true || isForOne(each) : each.lent !== true))
}

/** Best first: what people gave, what a public CA gave, the farm's own; of two of a kind the one that ends later. */
export const bestFirst = (one: HeldCertificate, two: HeldCertificate): number =>
  rank[one.kind] - rank[two.kind] || two.until - one.until

/** Which certificate serves each name; a name that no valid one bears is missing. */
export function chooseCertificates<C extends HeldCertificate>(
  names: readonly string[],
  held: readonly C[],
  now: number,
): Map<string, C> {
  const choose = certificateChooser(held, now)
  return new Map(
    names.flatMap((name) => {
      const best = choose(name)
      return best ? [[name, best] as const] : []
    }),
  )
}

/** The same for who asks name by name. */
export function certificateChooser<C extends HeldCertificate>(
  held: readonly C[],
  now: number,
): (name: string) => C | undefined {
  const index = indexOf(held.filter((each) => isValid(each, now)).toSorted(bestFirst))
  return (name) => {
    const [own, wild] = [index.get(name), index.get(`*.${name.slice(name.indexOf('.') + 1)}`)]
    return own && wild ? (bestFirst(own, wild) <= 0 ? own : wild) : (own ?? wild)
  }
}

/** The best one of each name that is borne. */
function indexOf<C extends HeldCertificate>(sorted: readonly C[]): Map<string, C> {
  const index = new Map<string, C>()
  for (const each of sorted) for (const name of each.names) if (!index.has(name)) index.set(name, each)
  return index
}

/** When what is chosen may become another choice by time alone. */
export function nextChange(chosen: Iterable<HeldCertificate>, now: number): number | undefined {
  const times = [...chosen].flatMap(({ kind, from, until }) =>
    kind === 'farm' ? [renewsAt({ from, until }), until] : [until],
  )
  const coming = times.filter((at) => at > now)
  return coming.length === 0 ? undefined : coming.reduce((one, two) => Math.min(one, two))
}
