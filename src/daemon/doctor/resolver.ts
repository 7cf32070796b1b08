/** Names: whether croft's own servers answer, and whether they have somebody to ask for the rest. */
import type { Finding } from '../../api/resources.ts'
import { closedNamesPort, gateway4, namesPort } from '../../plan/addresses.ts'
import { readUpstream } from '../hostprep/resolver.ts'
import { ok, red, type Theme, warn } from './finding.ts'

export interface ResolverFacts {
  /** Whom our server asks. */
  readonly upstream: readonly string[]
  readonly silent: readonly string[]
}

export const resolver: Theme = {
  name: 'resolver',
  async examine(look) {
    const { servers: upstream } = await readUpstream((path) => look.text(path))
    const answers = await Promise.all(upstream.map((server) => look.answers(server)))
    return judgeResolver({ upstream, silent: upstream.filter((_, index) => !answers[index]) })
  },
}

export function judgeResolver({ upstream, silent }: ResolverFacts): Finding[] {
  if (upstream.length === 0) {
    const evidence = "/etc/resolv.conf names no server to ask: guests resolve the farm's own names only"
    return [red('resolver', evidence, 'write "nameserver ADDRESS" into /etc/resolv.conf')]
  }
  if (silent.length > 0)
    return [
      warn(
        'resolver',
        `${silent.join(', ')} does not answer`,
        'look at /etc/resolv.conf; the first server that answers should be first',
      ),
    ]
  return [ok('resolver', `for what is not of the farm, ${upstream.join(', ')} is asked`)]
}

export interface NamesFacts {
  readonly farm: string
  /** Views that do not answer as they should. */
  readonly silent: readonly string[]
  /** Whether anything answers at the gateway. */
  readonly answers: boolean
  /** Whether the host itself asks our server. */
  readonly hostAsks: boolean
  /** Whether systemd-resolved answers for the host. */
  readonly resolved: boolean
}

export const names: Theme = {
  name: 'names',
  async examine(look, { open }) {
    if (!open) return []
    const { farm, names: server } = open.parts
    const [silent, answers, conf, routed] = await Promise.all([
      server.silent(),
      look.answers(gateway4),
      look.text('/etc/resolv.conf'),
      look.text('/etc/systemd/resolved.conf.d/croft.conf'),
    ])
    const asks = new RegExp(`^(nameserver |DNS=)${gateway4.replaceAll('.', '\\.')}\\s*$`, 'm')
    return judgeNames({
      farm: farm.name,
      silent,
      answers,
      resolved: /^nameserver 127\.0\.0\.53\s*$/m.test(conf ?? ''),
      hostAsks: [conf, routed].some((text) => asks.test(text ?? '')),
    })
  },
}

export function judgeNames({ farm, silent, answers, hostAsks, resolved }: NamesFacts): Finding[] {
  if (silent.length > 0) {
    const port = silent.includes('open') ? namesPort : closedNamesPort
    const what = answers ? 'what answers there is not ours, or not up to date' : 'nothing answers there'
    return [
      red(
        'names',
        `${gateway4} port ${port}: ${what}`,
        `croft host apply; who has the port: ss -lnp 'sport = ${port}'`,
      ),
    ]
  }
  const served = `*.${farm}.internal is answered at ${gateway4}`
  if (hostAsks) return [ok('names', `${served}; this host asks it too`)]
  const mend = resolved
    ? `for the host too: mkdir -p /etc/systemd/resolved.conf.d; printf '[Resolve]\\nDNS=${gateway4}\\nDomains=~${farm}.internal\\n' >/etc/systemd/resolved.conf.d/croft.conf; systemctl restart systemd-resolved`
    : `for the host too: sed -i '1i nameserver ${gateway4}' /etc/resolv.conf`
  return [{ ...ok('names', `${served}; this host itself does not ask it`), mend }]
}
