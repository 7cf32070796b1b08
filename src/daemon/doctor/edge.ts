/** The HTTPS edge: it serves what the farm's routes say, and nobody else has its ports. */
import type { Finding } from '../../api/resources.ts'
import type { Runner } from '../../drivers/exec/command.ts'
import { listEdgePorts } from '../records/edge-ports.ts'
import { keys } from '../records/keys.ts'
import { type RouteRecord, readAll } from '../records/records.ts'
import { ok, red, type Theme } from './finding.ts'

export interface EdgeFacts {
  readonly routes: number
  readonly trouble: string | undefined
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
    return judgeEdge({ routes: routes.length, trouble: open.loop.edge.trouble(), others })
  },
}

export function judgeEdge({ routes, trouble, others }: EdgeFacts): Finding[] {
  if (others.length > 0)
    return others.map(({ port, program }) =>
      red(
        'edge',
        `port ${port} of the host is used by ${program}: the edge cannot serve there`,
        `stop ${program}, or serve elsewhere: croft farm set edge-https=:8443`,
      ),
    )
  if (trouble !== undefined) return [red('edge', trouble, 'mend that; the edge is told anew each 30 s')]
  return [ok('edge', `${routes} ${routes === 1 ? 'route is' : 'routes are'} served`)]
}

async function listener(run: Runner, port: number): Promise<string | undefined> {
  const { stdout } = await run.outcome({ file: 'ss', args: ['-Hltnp', `sport = :${port}`], timeoutMs: 10_000 })
  return stdout.trim() === '' ? undefined : parseListener(stdout)
}

/** `users:(("perl",pid=12,fd=3))` */
export const parseListener = (text: string): string => /users:\(\("([^"]{1,100})"/.exec(text)?.[1] ?? 'another program'
