/** What is said when something was done to a guest. */
import { CroftError } from '../../../api/errors.ts'
import type { Guest } from '../../../api/guest.ts'
import type { Result } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { type Changed, wrongUse } from '../../work/change.ts'
import { stateOf } from './columns.ts'

const stableMs = 2000
const lookEveryMs = 100
const passing: ReadonlySet<string> = new Set(['creating', 'starting', 'stopping'])

/** The guest as it is now: from the answer when that was after the work, else asked for. */
export async function guestAfter(context: Context, name: string, changed: Changed): Promise<Guest> {
  const given = asGuest(changed.result)
  if (given && !passing.has(stateOf(given))) return given
  return context.client.request('getGuest', { params: { guest: name } })
}

/** `web running  10.100.0.1  0.11 s`; with --wait=stable only when it has run for 2 s. */
export async function guestResult(context: Context, name: string, changed: Changed): Promise<Result> {
  const seen = await guestAfter(context, name, changed)
  const guest = wantsStable(context) ? await untilStable(context, seen) : seen
  const seconds = (context.io.elapsedMs() / 1000).toFixed(2)
  return { name: guest.name, text: `${guest.name} ${stateOf(guest)}  ${guest.ipv4}  ${seconds} s`, record: guest }
}

function wantsStable(context: Context): boolean {
  const wait = context.flags.text('wait')
  if (wait === undefined || wait === '') return false
  if (wait !== 'stable') throw wrongUse(`--wait takes nothing or "stable", not "${wait}"`)
  return true
}

/** Found out before anything is sent. */
export const checkWait = (context: Context): void => void wantsStable(context)

async function untilStable(context: Context, first: Guest): Promise<Guest> {
  const { client, io } = context
  let guest = first
  while (guest.spec.run === 'running') {
    const { status } = guest
    if (status?.state === 'failed' || status?.state === 'waits') {
      throw new CroftError('START_FAILED', `${guest.name} did not stay up: ${status.reason ?? status.state}`, {
        hint: `croft logs ${guest.name} --console`,
      })
    }
    const startedAt = Date.parse(status?.startedAt ?? status?.since ?? '')
    if (status?.state === 'running' && io.now() - startedAt >= stableMs) return guest
    await io.sleep(lookEveryMs)
    guest = await client.request('getGuest', { params: { guest: guest.name } })
  }
  return guest
}

function asGuest(value: unknown): Guest | undefined {
  const guest = value as Partial<Guest> | null
  return typeof guest === 'object' && guest !== null && guest.name !== undefined && guest.spec !== undefined
    ? (guest as Guest)
    : undefined
}
