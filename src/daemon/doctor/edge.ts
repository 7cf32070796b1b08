/** The HTTPS edge: it serves what the farm's routes say, and nobody else has its ports. */
import type { Finding } from '../../api/resources.ts'
import type { Runner } from '../../drivers/exec/command.ts'
import type { Trouble } from '../edge/keeper.ts'
import { listEdgePorts } from '../records/edge-ports.ts'
import { keys } from '../records/keys.ts'
import { type RouteRecord, readAll } from '../records/records.ts'
import { ok, red, type Theme } from './finding.ts'

export interface EdgeFacts {
  readonly routes: number
  readonly troubles: readonly Trouble[]
  /** Other programs on the edge's ports. */
  readonly others: readonly { readonly port: number; readonly program: string }[]
}

export const edge: Theme = {
  name: 'edge',
  async examine({ run }, { open, away }) {
    if (!open || away) return []
    const { store, host } = open.parts
    const routes = await readAll<RouteRecord>(store, keys.routes)
    if (routes.length === 0) return []
    const ports = await listEdgePorts(store, host.name)
    const found = await Promise.all(ports.map(async (port) => ({ port, program: await listener(run, port) })))
    const others = found.flatMap(({ port, program }) =>
      program === undefined || program === 'haproxy' ? [] : [{ port, program }],
    )
    return judgeEdge({ routes: routes.length, troubles: open.loop.edge.troubles(), others })
  },
}

export function judgeEdge({ routes, troubles, others }: EdgeFacts): Finding[] {
  const taken = others.map(({ port, program }) => {
    const { instead = elsewhere } = troubles.find((trouble) => trouble.port === port) ?? {}
    const what = `port ${port} of the host is used by ${program}: the edge cannot serve there`
    return red('edge', what, `stop ${program}, or ${instead}`)
  })
  const known = new Set(others.map(({ port }) => port))
  const more = troubles.filter(({ port }) => (port === undefined ? taken.length === 0 : !known.has(port)))
  if (taken.length + more.length > 0)
    return [...taken, ...more.map(({ why, instead = again }) => red('edge', why, instead))]
  return [ok('edge', `${routes} ${routes === 1 ? 'route is' : 'routes are'} served`)]
}

const elsewhere = 'serve elsewhere: croft farm set edge-https=:8443'
const again = 'mend that; the edge is told anew each few seconds'

async function listener(run: Runner, port: number): Promise<string | undefined> {
  const { stdout } = await run.outcome({ file: 'ss', args: ['-Hltnp', `sport = :${port}`], timeoutMs: 10_000 })
  return stdout.trim() === '' ? undefined : parseListener(stdout)
}

/** `users:(("perl",pid=12,fd=3))` */
export const parseListener = (text: string): string => /users:\(\("([^"]{1,100})"/.exec(text)?.[1] ?? 'another program'
