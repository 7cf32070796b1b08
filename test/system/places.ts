/** A network namespace that stands for the host and one that stands for the world outside, joined by a link. */
import type { Command, Outcome, Runner } from '../../src/drivers/exec/command.ts'
import { createRunner } from '../../src/drivers/exec/runner.ts'

export const at = {
  host: { v4: '198.51.100.1', v6: '2001:db8:51::1' },
  outside: { v4: '198.51.100.2', v6: '2001:db8:51::2' },
} as const
export type Place = keyof typeof at

export type Given = Omit<Command, 'timeoutMs'> & { readonly timeoutMs?: number }

/** `/sys` stays the outer one, and so do the cgroups: only the network is another. */
export const inside = (namespace: string, command: Given): Command => ({
  timeoutMs: 30_000,
  ...command,
  file: 'nsenter',
  args: [`--net=/run/netns/${namespace}`, '--', command.file, ...command.args],
})

export const within = (run: Runner, namespace: string, command: Given): Promise<Outcome> =>
  run.outcome(inside(namespace, command))

/** Words of `ip` in a namespace, a line each, by one process. */
export async function ipWithin(run: Runner, namespace: string, lines: readonly string[]): Promise<void> {
  await run.run(inside(namespace, { file: 'ip', args: ['-batch', '-'], stdin: `${lines.join('\n')}\n` }))
}

export async function wire(names: Readonly<Record<Place, string>>): Promise<void> {
  const run = createRunner()
  for (const name of Object.values(names))
    await run.run({ file: 'ip', args: ['netns', 'add', name], timeoutMs: 30_000 })
  await ipWithin(run, names.host, [
    'link set lo up',
    `link add up0 type veth peer name eth0 netns ${names.outside}`,
    ...addressLines('up0', at.host),
  ])
  await ipWithin(run, names.outside, ['link set lo up', ...addressLines('eth0', at.outside), ...routeLines(at.host)])
  await ipWithin(run, names.host, routeLines(at.outside))
}

export const addressLines = (link: string, { v4, v6 }: { v4: string; v6: string }): string[] => [
  `address add ${v4}/24 dev ${link}`,
  `address add ${v6}/64 dev ${link} nodad`,
  `link set ${link} up`,
]

export const routeLines = ({ v4, v6 }: { v4: string; v6: string }): string[] => [
  `route add default via ${v4}`,
  `route add default via ${v6}`,
]
