/** The choice of a host, told so that it can be kept beside the guest. */
import { CroftError } from '../../api/errors.ts'
import type { Placed } from '../../api/placement.ts'
import { type Candidate, type Placement, place } from '../../plan/placement.ts'
import type { Daemon } from '../daemon.ts'
import { timestamp } from '../env.ts'
import { type Asking, askFor, readPlacementHosts } from './sight.ts'

/** So many are tried when one after another refuses. */
const mostTried = 4
/** With more hosts than that only the best are told. */
const toldWhole = 20
const keptOthers = 6

/** All hosts, the best first, and why the others cannot. */
export async function choose(daemon: Pick<Daemon, 'store' | 'open'>, asking: Asking): Promise<Placement> {
  const [hosts, ask] = await Promise.all([readPlacementHosts(daemon, asking), askFor(daemon, asking)])
  return hosts.length <= toldWhole ? place(hosts, ask) : place(hosts, ask, mostTried + keptOthers)
}

/** Those that are tried; NO_ROOM names each host with its reason. */
export function candidatesOf({ candidates, refused }: Placement, what: string): readonly Candidate[] {
  if (candidates.length > 0) return candidates.slice(0, mostTried)
  const whys = refused.slice(0, toldWhole).map(({ host, why }) => `${host}: ${why}`)
  const left = refused.length - whys.length
  const rest = left > 0 ? [`and ${left} more`] : []
  throw new CroftError('NO_ROOM', `no host can take ${what}: ${[...whys, ...rest].join('; ')}`, {
    hint: 'croft host ls',
  })
}

interface Tried {
  readonly host: string
  readonly why: string
}

/** What is kept of a choice; `named` is the host that was asked for, `tried` are those that refused when they were asked. */
export function placedOf(
  env: Parameters<typeof timestamp>[0],
  { candidates, refused }: Placement,
  { host, points, reasons }: Candidate,
  { tried = [], named }: { readonly tried?: readonly Tried[]; readonly named?: string | undefined } = {},
): Placed {
  const asked = new Set([host, ...tried.map((each) => each.host)])
  const others = candidates.filter((each) => !asked.has(each.host))
  return {
    ...{ host, at: timestamp(env), points },
    // As a reason: hosts hand these to each other, and an older one knows no field for it.
    reasons: named === host ? [{ points: 0, why: 'this host was asked for (--host)' }, ...reasons] : reasons,
    others: [...tried, ...others.map((each) => ({ host: each.host, points: each.points })), ...refused].slice(
      0,
      keptOthers,
    ),
  }
}
