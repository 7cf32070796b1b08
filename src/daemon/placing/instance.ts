/** Where an instance of a site goes: beside its data, else spread over the hosts. */
import { CroftError, isCode } from '../../api/errors.ts'
import type { GuestSpec } from '../../api/guest.ts'
import type { Placed } from '../../api/placement.ts'
import type { Daemon } from '../daemon.ts'
import { findDataHost } from '../records/volume-places.ts'
import { candidatesOf, choose, placedOf } from './choose.ts'

export interface InstanceAsk {
  readonly site: string
  readonly spec: Omit<GuestSpec, 'root'>
  readonly template: string
  /** Instances that go with this rollout: they are not counted where they are. */
  readonly leaving: readonly string[]
  /** It has lasting data. */
  readonly hasData: boolean
  /** Rather there, when it has room: it replaces one of that host. */
  readonly prefer?: string | undefined
}

/** Tries the best, and the next when that one has no room any more. */
export async function placeInstance<T>(
  daemon: Daemon,
  { site, spec, template, leaving, hasData, prefer }: InstanceAsk,
  make: (host: string, placed: Placed) => Promise<T>,
): Promise<T> {
  const host = hasData ? await findDataHost(daemon.store, site) : undefined
  const placement = await choose(daemon, { spec, template, host, leaving })
  const wished =
    host !== undefined || prefer === undefined
      ? undefined
      : await choose(daemon, { spec, template, host: prefer, leaving })
  let candidates: ReturnType<typeof candidatesOf>
  try {
    const others = placement.candidates.filter((each) => !wished || each.host !== prefer)
    candidates = candidatesOf(
      { ...placement, candidates: [...(wished?.candidates ?? []), ...others] },
      `another instance of ${site}`,
    )
  } catch (thrown) {
    if (host === undefined || !(thrown instanceof CroftError)) throw thrown
    throw new CroftError('NO_ROOM', `${thrown.message}; its data lies there`, { hint: `croft host show ${host}` })
  }
  const tried: { host: string; why: string }[] = []
  let last: unknown
  for (const candidate of candidates) {
    try {
      return await make(candidate.host, placedOf(daemon.env, placement, candidate, { tried }))
    } catch (thrown) {
      if (!isCode(thrown, 'NO_ROOM')) throw thrown
      last = thrown
      tried.push({ host: candidate.host, why: (thrown as CroftError).message.slice(0, 200) })
    }
  }
  throw last
}
