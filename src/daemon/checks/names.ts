/** Asks name servers what the public sees of a name. */
import { Resolver } from 'node:dns/promises'
import type { DnsAnswer, DnsFacts } from '../../plan/check/facts.ts'

export type AskNames = (names: readonly string[], servers: readonly string[]) => Promise<DnsFacts[]>

const timeoutMs = 2000
const tries = 2

export const askNames: AskNames = async (names, servers) => {
  const asked = servers.map(async (server) => {
    const resolver = new Resolver({ timeout: timeoutMs, tries })
    resolver.setServers([server])
    return Promise.all(
      names.map(async (name): Promise<DnsFacts> => {
        const [v4, v6] = await Promise.all([
          answerOf(() => resolver.resolve4(name, { ttl: true })),
          answerOf(() => resolver.resolve6(name, { ttl: true })),
        ])
        return { name, server, v4, v6 }
      }),
    )
  })
  return (await Promise.all(asked)).flat()
}

/** That there is none is an answer; that nobody answered is not. */
async function answerOf(
  ask: () => Promise<readonly { readonly address: string; readonly ttl: number }[]>,
): Promise<DnsAnswer> {
  try {
    const found = await ask()
    return {
      addresses: found.map(({ address }) => address).sort(),
      ttlSeconds: Math.min(...found.map(({ ttl }) => ttl)),
    }
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException
    if (code === 'ENOTFOUND' || code === 'ENODATA') return { addresses: [], ttlSeconds: 0 }
    return { failure: failures.get(code ?? '') ?? String(code ?? thrown) }
  }
}

const failures: ReadonlyMap<string, string> = new Map([
  ['ETIMEOUT', 'it does not answer'],
  ['ECONNREFUSED', 'it does not answer'],
  ['ESERVFAIL', 'it fails (SERVFAIL)'],
  ['EREFUSED', 'it refuses (REFUSED)'],
])
