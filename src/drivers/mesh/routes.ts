/** Routes of ours among the host's: told apart by their protocol, and after all that guests' own links have. */
import { isIPv6 } from 'node:net'
import { z } from 'zod'
import type { Command, Runner } from '../exec/command.ts'

export interface MeshRoute {
  /** As the kernel spells it. */
  readonly to: string
  /** Absent: what goes there comes back as unreachable. */
  readonly device?: string
  readonly via?: string
  /** What the host itself sends has this source. */
  readonly source?: string
}

/** Marks what is ours. */
export const meshProtocol = '203'
/** LXC's routes to guests have 0, and 1024 of IPv6. */
const metrics = { device: '3000', unreachable: '4000' } as const

const ip = (...args: string[]): Command => ({ file: 'ip', args, timeoutMs: 20_000 })

/** Brings ours to this list, new ones before old ones go. What it had to change. */
export async function reconcileRoutes(run: Runner, wanted: readonly MeshRoute[]): Promise<string[]> {
  const found = (await Promise.all(['-4', '-6'].map((family) => list(run, family)))).flat()
  const [have, want] = [found.map(wordsOf), wanted.map(wordsOf)]
  const added = want.filter((route) => !have.includes(route))
  const gone = have.filter((route) => !want.includes(route))
  const lines = [...added.map((route) => `route replace ${route}`), ...gone.map((route) => `route delete ${route}`)]
  // A route whose way changed was replaced: nothing is left to delete of the old one.
  const kept = new Set(added.map(placeOf))
  const left = lines.filter((line) => !line.startsWith('route delete ') || !kept.has(placeOf(line.slice(13))))
  if (left.length > 0) await run.run({ ...ip('-batch', '-'), stdin: `${left.join('\n')}\n` })
  return left
}

const Routes = z.array(
  z.object({
    type: z.string().optional(),
    dst: z.string(),
    dev: z.string().optional(),
    gateway: z.string().optional(),
    via: z.object({ host: z.string() }).optional(),
    prefsrc: z.string().optional(),
  }),
)

async function list(run: Runner, family: string): Promise<MeshRoute[]> {
  const lines: string[] = []
  const text = await run.run(ip('-j', family, 'route', 'show', 'protocol', meshProtocol), {
    onLine: (line) => lines.push(line),
  })
  return parseRoutes(lines.length > 0 ? lines.join('\n') : text)
}

export const parseRoutes = (text: string): MeshRoute[] =>
  Routes.parse(text.trim() === '' ? [] : JSON.parse(text)).map(
    ({ type, dst, dev, gateway, via, prefsrc }): MeshRoute => {
      if (type === 'unreachable' || dev === undefined) return { to: dst }
      const next = gateway ?? via?.host
      return {
        ...{ to: dst, device: dev },
        ...(next === undefined ? {} : { via: next }),
        ...(prefsrc === undefined ? {} : { source: prefsrc }),
      }
    },
  )

/** One line of `ip`; all values were checked, or come from the kernel. */
function wordsOf({ to, device, via, source }: MeshRoute): string {
  if (device === undefined) return `unreachable ${to} metric ${metrics.unreachable} protocol ${meshProtocol}`
  const next = via === undefined ? [] : ['via', ...(isIPv6(via) && !to.includes(':') ? ['inet6'] : []), via]
  const from = source === undefined ? [] : ['src', source]
  return [to, ...next, 'dev', device, 'metric', metrics.device, 'protocol', meshProtocol, ...from].join(' ')
}

/** A replaced route stands at the same place: network and metric. */
const placeOf = (route: string): string => {
  const words = route.split(' ')
  const to = words[0] === 'unreachable' ? words[1] : words[0]
  return `${to} ${words[words.indexOf('metric') + 1]}`
}
