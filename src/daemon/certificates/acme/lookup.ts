/** What the public sees of a name, asked from name servers that see it as the public does. */
import { Resolver } from 'node:dns/promises'
import { BlockList, isIP } from 'node:net'
import type { Verdict } from '../../../plan/acme.ts'
import { isWildcard } from '../../../plan/certificate-sets.ts'
import { type CaaEntry, judgeCaa, judgeName, type NameFacts } from '../../../plan/public-names.ts'
import type { Env } from '../../env.ts'
import { createTurns } from '../../host/turns.ts'
import { readUpstream } from '../../hostprep/resolver.ts'

export interface LookupWish {
  /** `ADDRESS` or `ADDRESS:PORT`; empty: those of the host. */
  readonly resolvers: readonly string[]
  /** Addresses and networks of the edges. */
  readonly edges: readonly string[]
  readonly identities: readonly string[]
  readonly canWildcards: boolean
}

export interface Looked {
  readonly verdicts: readonly Verdict[]
  /** Where the public finds each name that points here. */
  readonly addresses: ReadonlyMap<string, readonly string[]>
}
export type Lookup = (names: readonly string[], wish: LookupWish) => Promise<Looked>

const atOnce = 8
const server = { timeout: 3000, tries: 2 } as const
/** The name server said so: there is nothing of this kind. */
const nothing = new Set(['ENODATA', 'ENOTFOUND'])

export function createLookup(env: Pick<Env, 'later'>): Lookup {
  return async (names, wish) => {
    const resolver = new Resolver(server)
    resolver.setServers([...(wish.resolvers.length > 0 ? wish.resolvers : (await readUpstream()).servers)])
    const turns = createTurns(atOnce, env, 60_000)
    const addresses = new Map<string, readonly string[]>()
    const isEdge = within(wish.edges)
    const verdicts = await Promise.all(
      names.map((name) =>
        turns.take(async () => {
          const { facts, why } = await factsOf(resolver, name, wish)
          if (isWildcard(name)) return wish.canWildcards ? judgeCaa(name, facts.caa, { ...wish, why }) : noHook(name)
          addresses.set(name, [...(facts.a ?? []), ...(facts.aaaa ?? [])])
          return judgeName(facts, { ...wish, isEdge })
        }),
      ),
    )
    return { verdicts, addresses }
  }
}

const noHook = (name: string): Verdict => ({
  name,
  certain: true,
  reason: 'a wildcard is proven by a DNS record, and there is no executable acme-dns01 that could set it',
})

async function factsOf(
  resolver: Resolver,
  name: string,
  { identities }: LookupWish,
): Promise<{ facts: NameFacts; why: string }> {
  const plain = name.replace(/^\*\./, '')
  let why = 'no answer'
  const found = async <T>(asked: Promise<T[]>): Promise<T[] | undefined> => {
    try {
      return await asked
    } catch (thrown) {
      const { code = '' } = thrown as NodeJS.ErrnoException
      if (nothing.has(code)) return []
      why = reasonOf(code)
      return undefined
    }
  }
  const addresses = isWildcard(name) ? [] : [found(resolver.resolve4(plain)), found(resolver.resolve6(plain))]
  const [a, aaaa] = await Promise.all(addresses)
  const caa = identities.length === 0 ? [] : await found(findCaa(resolver, plain))
  return { facts: { name, a, aaaa, caa, why }, why }
}

/** Of the nearest name that has any. */
async function findCaa(resolver: Resolver, name: string): Promise<CaaEntry[]> {
  for (let labels = name.split('.'); labels.length > 0; labels = labels.slice(1)) {
    const entries = await resolver.resolveCaa(labels.join('.')).catch((thrown: NodeJS.ErrnoException) => {
      if (nothing.has(thrown.code ?? '')) return []
      throw thrown
    })
    if (entries.length > 0) return entries.flatMap(entriesOf)
  }
  return []
}

const entriesOf = (entry: object): CaaEntry[] =>
  Object.entries(entry).flatMap(([tag, value]) => (typeof value === 'string' ? [{ tag, value }] : []))

const reasonOf = (code: string): string =>
  ({
    ETIMEOUT: 'the name server does not answer',
    ECONNREFUSED: 'the name server cannot be reached',
    ESERVFAIL: 'the name server failed (SERVFAIL)',
    EREFUSED: 'the name server refuses to tell',
  })[code] ?? code

/** Addresses and networks, as `AddressRange` takes them. */
export function within(ranges: readonly string[]): (address: string) => boolean {
  const list = new BlockList()
  for (const range of ranges) {
    const [address = '', bits] = range.split('/')
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
    if (bits === undefined) list.addAddress(address, family)
    else list.addSubnet(address, Number(bits), family)
  }
  return (address) => list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')
}
