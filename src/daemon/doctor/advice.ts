/** What `croft init` may do on this host: refuse with the mend, or go on with addresses that are free here. */
import { CroftError } from '../../api/errors.ts'
import type { Finding } from '../../api/resources.ts'
import { readUpstream } from '../hostprep/resolver.ts'
import { readTaken } from './addresses.ts'
import type { Look } from './look.ts'
import { candidates, collisionsOf, findFreePrefix, type Taken } from './prefix.ts'
import { judgeIds, readIds } from './subordinate-ids.ts'
import { judgeTools, readTools } from './tools.ts'

export interface InitFacts {
  /** Of tools and ids: a red one forbids the start. */
  readonly findings: readonly Finding[]
  readonly taken: readonly Taken[]
}

export interface Advice {
  readonly prefix4: string
  /** What the operator should know, one line each. */
  readonly lines: readonly string[]
}

export async function readInitFacts(look: Look): Promise<InitFacts> {
  const [tools, ids, routes, { servers }] = await Promise.all([
    readTools(look),
    readIds(look),
    readTaken(look),
    readUpstream((path) => look.text(path)),
  ])
  const named = servers.map((network): Taken => ({ network, by: 'a name server' }))
  return { findings: [...judgeTools(tools), ...judgeIds(ids)], taken: [...routes, ...named] }
}

/** `asked` is the operator's own choice of prefix. Throws REFUSED. Pure. */
export function adviseInit({ findings, taken }: InitFacts, asked?: string): Advice {
  const reds = findings.filter(({ verdict }) => verdict === 'red')
  if (reds.length > 0)
    throw new CroftError('REFUSED', `this host is not ready\n${reds.map(({ evidence }) => evidence).join('\n')}`, {
      hint: reds[0]?.check === 'subuid' && reds[0].mend?.startsWith('croft') ? 'croft host-prepare' : reds[0]?.mend,
    })
  const free = findFreePrefix(taken)
  const prefix4 = asked ?? free
  if (prefix4 === undefined)
    throw new CroftError('REFUSED', 'every private /16 collides with a route or address of this host', {
      hint: 'ip route show table all; croft init --prefix4 PREFIX',
    })
  const found = collisionsOf(prefix4, taken)
  const inside = found.find(({ how }) => how === 'inside')
  if (inside)
    throw new CroftError('REFUSED', `${prefix4} is taken here: ${inside.network} (${inside.by})`, {
      hint: free === undefined ? 'ip route show table all' : `croft init --prefix4 ${free}`,
    })
  const hidden = found.map(({ network, by }) => `guests’ ${prefix4} hides a part of ${network} (${by})`)
  const avoided = asked === undefined && free !== candidates[0] ? [`${candidates[0]} is taken here`] : []
  return { prefix4, lines: [...avoided, ...hidden] }
}
