/** The farm's addresses on this host: nobody else's, the gateway there, packets forwarded. */
import type { Finding } from '../../api/resources.ts'
import { gateway4 } from '../../plan/addresses.ts'
import { ok, red, type Theme, warn } from './finding.ts'
import type { Look } from './look.ts'
import { collisionsOf, findFreePrefix, parseTaken, type Taken } from './prefix.ts'

export interface AddressFacts {
  /** Undefined before the farm began. */
  readonly prefix4: string | undefined
  readonly taken: readonly Taken[]
  readonly forwards: boolean
}

export const addresses: Theme = {
  name: 'addresses',
  async examine(look, { open, store }) {
    if (!store) return []
    const forwarding = await look.text('/proc/sys/net/ipv4/ip_forward')
    return judgeAddresses({
      prefix4: open?.parts.farm.prefix4,
      taken: await readTaken(look),
      forwards: forwarding?.trim() === '1',
    })
  },
}

export function judgeAddresses({ prefix4, taken, forwards }: AddressFacts): Finding[] {
  if (prefix4 === undefined)
    return [ok('addresses', `guests would get ${findFreePrefix(taken) ?? 'nothing: all is taken'}`)]
  return [judgePrefix(prefix4, taken), judgeGateway(taken), judgeForwarding(forwards)]
}

function judgePrefix(prefix4: string, taken: readonly Taken[]): Finding {
  const found = collisionsOf(prefix4, taken)
  const tell = (how: string) => found.filter((each) => each.how === how).map(({ network, by }) => `${network} (${by})`)
  const [inside, around] = [tell('inside'), tell('around')]
  if (inside.length > 0)
    return red(
      'addresses',
      `the farm’s ${prefix4} holds addresses of others: ${inside.slice(0, 5).join(', ')}`,
      `take them away: ip route show table all to root ${prefix4}`,
    )
  if (around.length > 0)
    return warn('addresses', `the farm’s ${prefix4} hides a part of ${around.slice(0, 5).join(', ')} from this host`)
  return ok('addresses', `${prefix4} is the farm’s alone`)
}

const judgeGateway = (taken: readonly Taken[]): Finding =>
  taken.some(({ network, by }) => network === gateway4 && by === 'lo')
    ? ok('gateway', `${gateway4} on lo`)
    : red(
        'gateway',
        `${gateway4}, the gateway of every guest, is not on lo`,
        `ip address replace ${gateway4}/32 dev lo`,
      )

const judgeForwarding = (forwards: boolean): Finding =>
  forwards
    ? ok('forwarding', 'this host forwards packets')
    : red('forwarding', 'net.ipv4.ip_forward is 0: guests reach nothing', 'sysctl -w net.ipv4.ip_forward=1')

export async function readTaken(look: Look): Promise<Taken[]> {
  const args = ['-j', '-4', 'route', 'show', 'table', 'all']
  const lines: string[] = []
  const kept = await look.run.run({ file: 'ip', args, timeoutMs: 20_000 }, { onLine: (line) => lines.push(line) })
  return parseTaken(lines.length > 0 ? lines.join('\n') : kept)
}
