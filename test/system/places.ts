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

export async function wire(names: Readonly<Record<Place, string>>): Promise<void> {
  const run = createRunner()
  const ip = (place: Place, ...args: string[]) => run.run(inside(names[place], { file: 'ip', args }))
  for (const name of Object.values(names))
    await run.run({ file: 'ip', args: ['netns', 'add', name], timeoutMs: 30_000 })
  for (const place of ['host', 'outside'] as const) await ip(place, 'link', 'set', 'lo', 'up')
  await ip('host', 'link', 'add', 'up0', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', names.outside)
  for (const [place, link] of [
    ['host', 'up0'],
    ['outside', 'eth0'],
  ] as const) {
    await ip(place, 'address', 'add', `${at[place].v4}/24`, 'dev', link)
    await ip(place, 'address', 'add', `${at[place].v6}/64`, 'dev', link, 'nodad')
    await ip(place, 'link', 'set', link, 'up')
    const gateway = at[place === 'host' ? 'outside' : 'host']
    await ip(place, 'route', 'add', 'default', 'via', gateway.v4)
    await ip(place, 'route', 'add', 'default', 'via', gateway.v6)
  }
}
