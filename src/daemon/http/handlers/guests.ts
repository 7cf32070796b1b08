/** Reading guests, and entering them. */
import { CroftError } from '../../../api/errors.ts'
import type { Usage } from '../../../api/guest.ts'
import { getFarm } from '../../daemon.ts'
import { timestamp } from '../../env.ts'
import { getGuestRecord, listGuestViews, viewGuest } from '../../records/guests.ts'
import { neverSeen } from '../../usage/board.ts'
import type { Handlers } from '../handler.ts'

const consoleBytes = 64 * 1024
/** Younger than this a look is good enough: `croft top` looks twice, a quarter of a second apart. */
const freshMs = 100

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

  async getUsage(daemon, { query }): Promise<Usage[]> {
    const { usage } = getFarm(daemon)
    if (query.guest !== undefined) {
      const { value } = await getGuestRecord(daemon, query.guest)
      const { name, status } = await viewGuest(daemon, value.name)
      return [{ name, state: status?.state ?? 'creating', ...(await usage.measure(value)) }]
    }
    const [guests, used] = await Promise.all([listGuestViews(daemon), usage.look(freshMs)])
    const now = timestamp(daemon.env)
    return guests.map(({ name, number, status }) => ({
      ...{ name, state: status?.state ?? 'creating' },
      ...(used.get(number) ?? neverSeen(now)),
    }))
  },
} satisfies Partial<Handlers>
