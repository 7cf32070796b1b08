/** Guests ask the host's name servers; one on the host's loopback they cannot reach. */
import type { Finding } from '../../api/resources.ts'
import { readNameservers } from '../hostprep/resolver.ts'
import { ok, red, type Theme, warn } from './finding.ts'

export interface ResolverFacts {
  /** Those that guests can reach. */
  readonly nameservers: readonly string[]
  readonly resolvConf: string | undefined
  /** Those that guests get now, as the daemon read them when it started; undefined before the farm began. */
  readonly given: readonly string[] | undefined
  readonly silent: readonly string[]
}

export const resolver: Theme = {
  name: 'resolver',
  async examine(look, { open }) {
    const nameservers = await readNameservers((path) => look.text(path))
    const answers = await Promise.all(nameservers.map((server) => look.answers(server)))
    return judgeResolver({
      nameservers,
      resolvConf: await look.text('/etc/resolv.conf'),
      given: open?.parts.facts.nameservers,
      silent: nameservers.filter((_, index) => !answers[index]),
    })
  },
}

export function judgeResolver({ nameservers, resolvConf, given, silent }: ResolverFacts): Finding[] {
  if (nameservers.length === 0) {
    const own = /^\s*nameserver\s+(\S+)/m.exec(resolvConf ?? '')?.[1]
    const evidence = own
      ? `/etc/resolv.conf names only ${own}, which guests cannot reach`
      : '/etc/resolv.conf names no server'
    const mend = own
      ? `name the server behind ${own} in /etc/resolv.conf, or let it listen on 169.254.0.1 and name that; then restart croft`
      : 'write "nameserver ADDRESS" into /etc/resolv.conf, then restart croft'
    return [red('resolver', `${evidence}: guests have no DNS`, mend)]
  }
  const findings: Finding[] = []
  if (given !== undefined && given.join() !== nameservers.join())
    findings.push(
      warn(
        'resolver',
        `guests are given ${given.join(', ') || 'none'}, the host now has ${nameservers.join(', ')}`,
        'systemctl restart croft, then restart the guests',
      ),
    )
  if (silent.length > 0)
    findings.push(
      warn(
        'resolver',
        `${silent.join(', ')} does not answer`,
        'look at /etc/resolv.conf; the first server that answers should be first',
      ),
    )
  return findings.length > 0 ? findings : [ok('resolver', `guests ask ${nameservers.join(', ')}`)]
}
