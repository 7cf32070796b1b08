/**
 * What is near this host: itself, its links, its guests, and where its cloud tells who it is. Services stand behind no password
 * there, so a caller from afar may lead nothing of ours to it; root on the host may, and is told.
 */
import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import os from 'node:os'
import { CroftError } from '../api/errors.ts'
import { type Forbids, forbidding, literalOf } from '../drivers/web/far.ts'
import { cloudAddresses, meshPrefix4Of } from '../plan/addresses.ts'
import type { Env } from './env.ts'
import type { Caller } from './http/access.ts'
import type { FarmRecord, HostRecord } from './records/records.ts'

/** This host itself, and its link. */
const near = [
  '0.0.0.0/8',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '::/96',
  'fe80::/10',
  ...cloudAddresses.v4,
  ...cloudAddresses.v6,
]

type Prefixes = Pick<FarmRecord, 'prefix4' | 'prefix6'> & {
  readonly edge?: FarmRecord['edge']
  /** All of the farm, this one too. */
  readonly hosts: readonly Pick<HostRecord, 'address' | 'mesh'>[]
}

/** The host's addresses of now, and those that the world finds it by; of several hosts, as they reach each other too. */
export function nearRanges({ prefix4, prefix6, edge, hosts }: Prefixes): string[] {
  const own = Object.values(os.networkInterfaces()).flatMap((list) => (list ?? []).map(({ address }) => address))
  const mesh = hosts.length > 1 ? [meshPrefix4Of(prefix4)] : []
  const theirs = hosts.flatMap(({ address, mesh }) => [address, mesh?.endpoint].flatMap(withoutPort))
  return [...new Set([...near, prefix4, prefix6, ...mesh, ...theirs, ...(edge?.addresses ?? []), ...own])]
}

/** `IP:PORT` or `[IP]:PORT` */
export function withoutPort(listen = ''): string[] {
  const address = listen.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1')
  return isIP(address) === 0 ? [] : [address]
}

export const nearHost = (farm: Prefixes): Forbids => forbidding(nearRanges(farm))

/** A name server that does not answer is not waited for: whoever connects looks again. */
const patienceMs = 2000

/** Where it leads that is near; undefined when that is nowhere, or a name that nobody knows now. */
export async function findNear(env: Pick<Env, 'later'>, url: string, forbids: Forbids): Promise<string | undefined> {
  const parsed = new URL(url)
  const literal = literalOf(parsed)
  if (literal !== undefined) return forbids(literal) ? literal : undefined
  const { promise: late, resolve } = Promise.withResolvers<[]>()
  using _ = env.later(patienceMs, () => resolve([]))
  const asked = lookup(parsed.hostname, { all: true }).catch(() => [])
  return (await Promise.race([asked, late])).find(({ address }) => forbids(address))?.address
}

export interface Leading {
  /** What is said of it: `shop.example.org`, or the setting. */
  readonly what: string
  readonly url: string
  readonly caller: Caller
  readonly hint: string
}

/** True: it leads near this host, and root said so. REFUSED for anybody else. */
export async function mayBeNear(
  env: Pick<Env, 'later'>,
  forbids: Forbids,
  { what, url, caller, hint }: Leading,
): Promise<boolean> {
  const address = await findNear(env, url, forbids)
  if (address === undefined) return false
  if (caller.token === undefined) return true
  const { host } = new URL(url)
  const leads = host === address ? `${address} is` : `${host} leads to ${address}, which is`
  throw new CroftError('REFUSED', `${what}: ${leads} this host’s own or its guests’`, { hint })
}
