/** What the hosts of a farm can, and what may be begun only when all of them can it. Pure. */

/**
 * By names that stay: an older croft lacks the newer of them. A row is added with the first thing that a host may not ask of
 * another, or write for it, without knowing that it is understood there (docs/design/versions.md).
 */
export const abilities = {
  carry: 'answers for other hosts',
  instances: 'runs instances of sites that another host places',
  moves: 'gives guests to other hosts and takes theirs',
  replicas: 'keeps replicas of guests of other hosts',
  'data-moves': 'brings lasting data of sites to other hosts',
  'store-ca': 'a CA of the store that has a key of its own',
  vlans: 'gives guests addresses of networks on VLANs',
} as const

export type Ability = keyof typeof abilities

/** A croft: what it is called, and what it can. */
export interface Release {
  readonly version: string
  readonly abilities: readonly string[]
}

export interface Versions {
  /** As each said when it opened the store. */
  readonly hosts: Readonly<Record<string, Release>>
  /** What whoever opens the store must be able to: once here it stays. */
  readonly needs: readonly string[]
}

export const noVersions: Versions = { hosts: {}, needs: [] }

/** Undefined: it can all that the store needs. */
export const lackOf = ({ needs }: Pick<Versions, 'needs'>, own: Pick<Release, 'abilities'>): string | undefined =>
  needs.find((each) => !own.abilities.includes(each))

export interface TooOld {
  readonly host: string
  /** Undefined: it has said nothing yet. */
  readonly version: string | undefined
}

/** Those that cannot do it. One that has said nothing is taken to be older than all. */
export const tooOldFor = (ability: string, { hosts }: Versions, names: readonly string[]): TooOld[] =>
  names
    .filter((name) => !hosts[name]?.abilities.includes(ability))
    .map((host) => ({ host, version: hosts[host]?.version }))

/** It cannot all that the other can, or is called by a number before its. One that has said nothing is older than all. */
export const isOlder = (one: Release | undefined, other: Release): boolean =>
  one === undefined ||
  other.abilities.some((each) => !one.abilities.includes(each)) ||
  byVersion(one.version, other.version) < 0

/** `birch (croft 0.0.9)` */
export const tooOldText = (those: readonly TooOld[]): string =>
  those.map(({ host, version }) => `${host} (croft ${version ?? 'of an older kind'})`).join(', ')

export interface Mixed {
  readonly newest: string
  readonly older: readonly TooOld[]
}

/** Undefined: all that have said it have the same one. */
export function mixedVersions({ hosts }: Versions, names: readonly string[]): Mixed | undefined {
  const told = names.map((host) => ({ host, version: hosts[host]?.version }))
  const [newest] = told.flatMap(({ version }) => version ?? []).sort((one, two) => byVersion(two, one))
  if (newest === undefined) return undefined
  const older = told.filter(({ version }) => version !== newest)
  return older.length === 0 ? undefined : { newest, older }
}

/** `0.10.0` is after `0.9.1`; what is no number is compared as text. */
export function byVersion(one: string, two: string): number {
  const [left, right] = [one.split(/[.+~-]/), two.split(/[.+~-]/)]
  for (const [at, word] of left.entries()) {
    const other = right[at]
    if (other === undefined) return 1
    if (word === other) continue
    const by = Number(word) - Number(other)
    return Number.isNaN(by) ? (word < other ? -1 : 1) : by
  }
  return left.length - right.length
}
