/** A route that leads to an address: decided before the change is, for a name is looked up. */
import type { RouteAim, RouteChanges } from '../../api/edge.ts'
import { type Daemon, getFarm } from '../daemon.ts'
import type { Caller } from '../http/access.ts'
import { mayBeNear, nearHost } from '../near.ts'
import { keys } from '../records/keys.ts'
import { type FarmRecord, read } from '../records/records.ts'

export interface Aimed {
  readonly aim: RouteAim | undefined
  readonly warnings: readonly string[]
}
interface Whose {
  readonly name: string
  readonly caller: Caller
}

/** Of what a change names: undefined where that is no address. REFUSED when it is for root alone to say. */
export async function aimByAddress(
  daemon: Daemon,
  { redirect, upstream }: Pick<RouteChanges, 'redirect' | 'upstream'>,
  whose: Whose,
): Promise<Aimed> {
  if (redirect !== undefined) return { aim: { kind: 'redirect', url: redirect, status: 301 }, warnings: [] }
  if (upstream === undefined) return { aim: undefined, warnings: [] }
  const aim = await aimAt(daemon, upstream, whose)
  const near = `${upstream} is this host’s own or its guests’: what answers there is open to whoever may ask ${whose.name}`
  return { aim, warnings: aim.near ? [near] : [] }
}

/** One that was said before, by whoever it was, is decided for who says it now. */
export async function aimAgain(daemon: Daemon, aim: RouteAim, whose: Whose): Promise<RouteAim> {
  return aim.kind === 'upstream' ? aimAt(daemon, aim.url, whose) : aim
}

type Upstream = Extract<RouteAim, { kind: 'upstream' }>

async function aimAt(daemon: Daemon, url: string, { name, caller }: Whose): Promise<Upstream> {
  const { farm, elsewhere } = getFarm(daemon).parts
  const now = (await read<FarmRecord>(daemon.store, keys.farm))?.value
  const forbids = nearHost({ ...farm, ...now, hosts: elsewhere.hosts() })
  const hint = `a guest is named: croft route set ${name} to=GUEST:PORT; root on the host may say it as it is`
  const near = await mayBeNear(daemon.env, forbids, { what: name, url, caller, hint })
  return { kind: 'upstream', url, ...(near ? { near } : {}) }
}
