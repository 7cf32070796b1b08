/** Reading guests, and entering them. */
import { CroftError } from '../../../api/errors.ts'
import type { SessionStart } from '../../../api/frames.ts'
import type { Usage } from '../../../api/guest.ts'
import type { Command } from '../../../drivers/exec/command.ts'
import { uidOf } from '../../../plan/addresses.ts'
import { type Daemon, getFarm } from '../../daemon.ts'
import { timestamp } from '../../env.ts'
import type { HostParts } from '../../host/parts.ts'
import { askOthers, isForAll } from '../../peers/ask-all.ts'
import { getGuestRecord, listGuestViews, viewGuest } from '../../records/guests.ts'
import type { GuestRecord } from '../../records/records.ts'
import { neverSeen } from '../../usage/board.ts'
import type { Handlers } from '../handler.ts'
import { Upgrade } from '../upgrade.ts'

const consoleBytes = 64 * 1024
/** Younger than this a look is good enough: `croft top` looks twice, a quarter of a second apart. */
const freshMs = 100

export const handlers = {
  listGuests: (daemon) => listGuestViews(daemon),
  getGuest: (daemon, { params }) => viewGuest(daemon, params.guest),

  async attachGuest(daemon, { params }) {
    const { name, number } = await getRunning(daemon, params.guest)
    return { ...entering(getFarm(daemon).parts.runtime.attach(number, { command: [], env: {} })), name }
  },

  async execGuest(daemon, { params, query, caller }) {
    const { runtime } = getFarm(daemon).parts
    if (query.files) {
      const { command, guest, where } = await filesCommand(daemon, params.guest)
      const enter = async ({ command: words, env, terminal }: SessionStart): Promise<Command> => {
        if (terminal) throw new CroftError('BAD_VALUE', 'work on files takes no terminal')
        if (where === 'inside') return runtime.attach(guest.number, { command: words, env })
        return { ...command, args: [...command.args, ...words], env: { ...command.env, LC_ALL: 'C' } }
      }
      return new Upgrade(daemon.sessions.admit({ caller, guest: guest.name, enter }))
    }
    if (query.console) {
      const { name, number } = await getWithConsole(daemon, params.guest)
      const enter = async ({ terminal }: SessionStart): Promise<Command> => {
        if (terminal) return runtime.console(number)
        throw new CroftError('BAD_VALUE', 'a console needs a terminal', { hint: `croft logs ${name} --console` })
      }
      return new Upgrade(daemon.sessions.admit({ caller, guest: name, enter }))
    }
    const { name, number } = await getRunning(daemon, params.guest)
    return new Upgrade(
      daemon.sessions.admit({ caller, guest: name, enter: async (asked) => runtime.attach(number, asked) }),
    )
  },

  async attachConsole(daemon, { params }) {
    const { number } = await getWithConsole(daemon, params.guest)
    return entering(getFarm(daemon).parts.runtime.console(number))
  },

  async attachFiles(daemon, { params }) {
    const { command, where } = await filesCommand(daemon, params.guest)
    return { ...entering(command), where }
  },

  async readConsole(daemon, { params, query }) {
    const guest = (await getGuestRecord(daemon, params.guest)).value
    return { text: await getFarm(daemon).parts.runtime.consoleTail(guest.number, consoleBytes, query.boot) }
  },

  async getUsage(daemon, { query, caller }): Promise<Usage[]> {
    const { usage, parts } = getFarm(daemon)
    if (query.guest !== undefined) {
      const { value } = await getGuestRecord(daemon, query.guest)
      const { name, status } = await viewGuest(daemon, value.name)
      return [{ name, state: status?.state ?? 'creating', ...(await usage.measure(value)) }]
    }
    const [guests, used, told] = await Promise.all([
      listGuestViews(daemon),
      usage.look(freshMs),
      askOthers<Usage[]>(daemon, caller, '/v1/usage'),
    ])
    const byName = new Map([...told.values()].flat().map((each) => [each.name, each]))
    const now = timestamp(daemon.env)
    const meant = isForAll(caller) ? guests : guests.filter(({ host }) => host === parts.host.name)
    return meant.map(({ name, number, host, status }) => ({
      ...neverSeen(now),
      ...(host === parts.host.name ? used.get(number) : byName.get(name)),
      ...{ name, state: status?.state ?? 'creating' },
    }))
  },
} satisfies Partial<Handlers>

async function getRunning(daemon: Daemon, name: string): Promise<GuestRecord> {
  const guest = (await getGuestRecord(daemon, name)).value
  const seen = await getFarm(daemon).parts.runtime.observe(guest.number)
  if (seen?.state === 'frozen')
    throw new CroftError('NOT_RUNNING', `guest "${guest.name}" is frozen`, { hint: `croft unfreeze ${guest.name}` })
  if (seen?.state !== 'running')
    throw new CroftError('NOT_RUNNING', `guest "${guest.name}" is not running`, { hint: `croft start ${guest.name}` })
  return guest
}

/** It is there from the first moment of a start, and while the guest is frozen. */
async function getWithConsole(daemon: Daemon, name: string): Promise<GuestRecord> {
  const guest = (await getGuestRecord(daemon, name)).value
  const seen = await getFarm(daemon).parts.runtime.observe(guest.number)
  if (seen && seen.state !== 'stopped') return guest
  throw new CroftError('NOT_RUNNING', `guest "${guest.name}" is not running`, {
    hint: `croft logs ${guest.name} --console · croft start ${guest.name}`,
  })
}

interface FilesCommand {
  readonly guest: GuestRecord
  readonly command: Command
  readonly where: 'inside' | 'disk'
}

async function filesCommand(daemon: Daemon, name: string): Promise<FilesCommand> {
  const { parts } = getFarm(daemon)
  const guest = (await getGuestRecord(daemon, name)).value
  const state = (await parts.runtime.observe(guest.number))?.state ?? 'stopped'
  if (state === 'running')
    return { guest, command: parts.runtime.attach(guest.number, { command: [], env: {} }), where: 'inside' }
  if (state === 'frozen')
    throw new CroftError('NOT_RUNNING', `guest "${guest.name}" is frozen`, { hint: `croft unfreeze ${guest.name}` })
  if (state !== 'stopped' || guest.deleting)
    throw new CroftError('BUSY', `guest "${guest.name}" is ${guest.deleting ? 'being removed' : state}`, {
      hint: `croft show ${guest.name}`,
    })
  const command = await parts.runtime.onDisk({
    number: guest.number,
    rootPath: await rootPathOf(parts, guest),
    uidBase: uidOf(parts.host.uidBase, guest.slot),
    id: daemon.env.id(),
  })
  return { guest, command, where: 'disk' }
}

const entering = ({ file, args, env }: Command) => ({ file, args, env })

async function rootPathOf(parts: HostParts, { name, number, spec }: GuestRecord): Promise<string> {
  const storage = parts.storage(spec.pool)
  const root = { kind: 'root', number, id: spec.root.id } as const
  if (await storage.exists(root)) return storage.path(root)
  throw new CroftError('NOT_FOUND', `guest "${name}" has no disk now`, { hint: `croft show ${name}` })
}
