/** Words that people bring along from elsewhere, and what stands for them here. */
import { type CommandRow, commandName, type Noun } from '../command.ts'

/** Words from elsewhere. They work, and name the native one once. */
export const foreignVerbs: ReadonlyMap<string, string> = new Map([
  ['launch', 'create'],
  ['list', 'ls'],
  ['ps', 'ls'],
  ['info', 'show'],
  ['describe', 'show'],
  ['inspect', 'show'],
  ['delete', 'rm'],
  ['remove', 'rm'],
  ['destroy', 'rm'],
  ['pause', 'freeze'],
  ['unpause', 'unfreeze'],
  ['mv', 'rename'],
  ['cp', 'clone'],
  ['enter', 'shell'],
  ['attach', 'shell'],
  ['evacuate', 'drain'],
])

export const otherNouns: ReadonlyMap<string, Noun> = new Map([
  ['operation', 'op'],
  ['operations', 'op'],
])

/** Only hinted at: a guest may well be called so. */
export const foreignNouns: ReadonlyMap<string, Noun> = new Map([
  ['image', 'template'],
  ['images', 'template'],
  ['node', 'host'],
  ['nodes', 'host'],
  ['net', 'network'],
])

/** Tools whose words are not ours: where the guide is that says the same in ours. */
export const foreignTools: ReadonlyMap<string, string> = new Map([
  ...['pct', 'qm', 'pveam', 'pvesh', 'vzdump'].map((tool) => [tool, 'from-proxmox'] as const),
  ...['incus', 'lxc', 'lxd'].map((tool) => [tool, 'from-incus'] as const),
])

/** Only hinted at: some may become words of their own. */
export const foreignCommands: ReadonlyMap<string, string> = new Map([
  ['reboot', 'restart'],
  ['migrate', 'move'],
  ['ssh', 'shell'],
  ['run', 'exec'],
  ['suspend', 'freeze'],
  ['resume', 'unfreeze'],
  ['shutdown', 'stop'],
  ['halt', 'stop'],
  ['up', 'start'],
  ['down', 'stop'],
  ['upload', 'push'],
  ['download', 'pull'],
  ['resize', 'set'],
  ['backup', 'snapshot'],
])

/** What a noun is not asked for by this verb, but by another, or elsewhere. */
const instead: ReadonlyMap<string, string> = new Map([
  ...['stop', 'restart', 'reboot', 'shutdown'].map((verb) => [`host ${verb}`, 'host drain'] as const),
  ...['add', 'create', 'join'].map((verb) => [`host ${verb}`, 'host invite'] as const),
  ['host rm', 'host leave'],
  ['farm ls', 'farm show'],
  ['site set', 'config set'],
  ['config edit', 'config set'],
  ['replica add', 'replicate'],
  ['release deploy', 'deploy'],
])

const alike = [
  ['add', 'create', 'new', 'make', 'take', 'set', 'build', 'issue', 'invite'],
  ['show', 'get', 'cat', 'view', 'ls'],
  ['set', 'edit', 'change', 'update'],
] as const

/** Whose guests are theirs: what is said of a guest is said of them by the shape of the name. */
const likeGuests: readonly Noun[] = ['site', 'instance', 'route', 'app']

/** The command that was meant by a verb that the noun does not have. */
export function insteadOf(table: readonly CommandRow[], noun: Noun, verb: string): CommandRow | undefined {
  const named = instead.get(`${noun} ${verb}`)
  if (named !== undefined) return table.find((row) => commandName(row) === named || `app ${named}` === commandName(row))
  const others = alike.filter((words) => words.some((word) => word === verb)).flat()
  const own = others.map((word) => table.find((row) => row.noun === noun && row.verb === word)).find(Boolean)
  if (own) return own
  return table.find(
    (row) => row.verb === verb && (row.noun === undefined || (row.noun === 'guest' && likeGuests.includes(noun))),
  )
}
