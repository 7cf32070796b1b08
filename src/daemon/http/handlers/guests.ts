/** Reading guests, and entering them. */
import { CroftError } from '../../../api/errors.ts'
import type { Usage } from '../../../api/guest.ts'
import { type Daemon, getFarm } from '../../daemon.ts'
import { getGuestRecord, listGuestViews, viewGuest } from '../../records/guests.ts'
import { keys } from '../../records/keys.ts'
import { type GuestRecord, type Held, readAll } from '../../records/records.ts'
import type { Handlers } from '../handler.ts'

const consoleBytes = 64 * 1024

export const handlers = {
  listGuests: (daemon) => listGuestViews(daemon),
  getGuest: (daemon, { params }) => viewGuest(daemon, params.guest),

  async attachGuest(daemon, { params }) {
    const { parts } = getFarm(daemon)
    const guest = (await getGuestRecord(daemon, params.guest)).value
    const seen = await parts.runtime.observe(guest.number)
    if (seen?.state === 'frozen')
      throw new CroftError('NOT_RUNNING', `guest "${guest.name}" is frozen`, { hint: `croft unfreeze ${guest.name}` })
    if (seen?.state !== 'running')
      throw new CroftError('NOT_RUNNING', `guest "${guest.name}" is not running`, { hint: `croft start ${guest.name}` })
    const { file, args } = parts.runtime.attach(guest.number, { command: [], env: {} })
    return { file, args, name: guest.name }
  },

  async readConsole(daemon, { params }) {
    const guest = (await getGuestRecord(daemon, params.guest)).value
    return { text: await getFarm(daemon).parts.runtime.consoleTail(guest.number, consoleBytes) }
  },

  async getUsage(daemon, { query }) {
    const { parts } = getFarm(daemon)
    const all =
      query.guest === undefined
        ? await readAll<GuestRecord>(daemon.store, keys.guests(parts.host.name))
        : [await getGuestRecord(daemon, query.guest)]
    return Promise.all(all.map((record) => usageOf(daemon, record)))
  },
} satisfies Partial<Handlers>

async function usageOf(daemon: Daemon, { value: guest }: Held<GuestRecord>): Promise<Usage> {
  const { parts } = getFarm(daemon)
  const none = {
    cpuSeconds: null,
    memoryBytes: null,
    memoryLimit: null,
    processes: null,
    processLimit: null,
    netInBytes: null,
    netOutBytes: null,
  }
  const [state, used, disk] = await Promise.all([
    parts.runtime.observe(guest.number),
    parts.runtime.usage(guest.number).catch(() => undefined),
    parts
      .storage(guest.spec.pool)
      .usage({ kind: 'root', number: guest.number, id: guest.spec.root.id })
      .catch(() => undefined),
  ])
  return {
    name: guest.name,
    state: state?.state ?? 'stopped',
    ...none,
    ...used,
    cpuPercent: null,
    diskBytes: disk?.usedBytes ?? null,
    diskLimit: disk?.limitBytes ?? null,
  }
}
