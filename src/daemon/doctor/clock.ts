/** Time: certificates, leases and history trust it. */
import type { Finding } from '../../api/resources.ts'
import { ok, red, type Theme, warn } from './finding.ts'
import type { Look } from './look.ts'

export interface ClockFacts {
  readonly now: number
  /** When the farm began, by the clock of then. */
  readonly farmCreated: number | undefined
  /** How far the wall clock moved away from the steady one since the daemon started. */
  readonly jumpedMs: number
  /** What keeps it, by process name. */
  readonly keeper: string | undefined
}

const firstSaneYear = 2026
const lastSaneYear = 2100
const jumpMs = 5_000
const mend = 'apt-get install chrony'
const keepers: ReadonlySet<string> = new Set(['chronyd', 'ntpd', 'systemd-timesyn', 'openntpd', 'ptp4l', 'phc2sys'])

export const clock: Theme = {
  name: 'clock',
  async examine(look, { env, open }) {
    const created = open?.parts.farm.created
    return judgeClock({
      now: env.now(),
      farmCreated: created === undefined ? undefined : Date.parse(created),
      jumpedMs: env.now() - (performance.timeOrigin + env.monotonicMs()),
      keeper: await findKeeper(look),
    })
  },
}

export function judgeClock({ now, farmCreated, jumpedMs, keeper }: ClockFacts): Finding[] {
  const year = new Date(now).getUTCFullYear()
  if (year < firstSaneYear || year > lastSaneYear) return [red('clock', `it is the year ${year} here`, mend)]
  if (farmCreated !== undefined && farmCreated > now)
    return [red('clock', `it is ${new Date(now).toISOString()}, before this farm began`, mend)]
  if (Math.abs(jumpedMs) > jumpMs) {
    const seconds = Math.round(jumpedMs / 1000)
    return [warn('clock', `it jumped by ${seconds} s since the daemon started, or the host slept`, mend)]
  }
  if (keeper === undefined) return [warn('clock', 'no process keeps this host’s clock', mend)]
  return [ok('clock', `${new Date(now).toISOString()}, kept by ${keeper}`)]
}

async function findKeeper(look: Look): Promise<string | undefined> {
  for (const pid of await look.names('/proc')) {
    if (!/^\d+$/.test(pid)) continue
    const name = (await look.text(`/proc/${pid}/comm`).catch(() => undefined))?.trim()
    if (name !== undefined && keepers.has(name)) return name
  }
  return undefined
}
