/** The host's side to the outside: the farm's CA, this host's certificate and its renewal, and the door that shows it. */

import { X509Certificate } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import os from 'node:os'
import type { Certificate, Door } from '../../api/door.ts'
import { CroftError, toCroftError } from '../../api/errors.ts'
import type { CasBundle } from '../../api/host.ts'
import { parseListen } from '../../api/values.ts'
import type { Runner } from '../../drivers/exec/command.ts'
import { doorOf } from '../../plan/host-door.ts'
import type { Store } from '../../store/store.ts'
import type { Env } from '../env.ts'
import type { Log } from '../host/parts.ts'
import { type Authority, fingerprintOf, type Material, openAuthority } from '../pki/authority.ts'
import type { Issued } from '../pki/openssl.ts'
import { getStoreCas, storeCasText } from '../pki/store-cas.ts'
import { hostKeyOf, tellHostKey } from '../records/host-key.ts'
import type { FarmRecord, HostRecord } from '../records/records.ts'
import { type DoorOfFarm, followDoor } from './follow-door.ts'
import { createIdentify, type Identify } from './identify.ts'
import type { TlsDoor } from './tls-door.ts'
import { Visitors } from './visitors.ts'

export interface OutsideParts {
  readonly env: Env
  readonly run: Runner
  readonly log: Log
  readonly folder: string
  readonly store: () => Store
}

export type Answer = (request: IncomingMessage, response: ServerResponse) => void

export interface Outside {
  /** Makes what certificates are missing and opens the door where the farm wants one. A failure is told by `door`. */
  begin(
    farm: Pick<FarmRecord, 'name' | 'listen'>,
    host: Pick<HostRecord, 'name' | 'address'>,
    others?: DoorOfFarm,
  ): Promise<void>
  /** Opens it there, or shuts it. Throws when that cannot be, and then all is as before. */
  listen(at: string | undefined): Promise<void>
  door(): Door
  certificates(): readonly Certificate[]
  /** A new CA beside the old one; or the end of that. False when there was nothing to do. */
  rotate(what: 'begin' | 'finish'): Promise<boolean>
  /** A new CA that another host has made; and what this one would give another. */
  adopt(ca: string): Promise<void>
  cas(): Promise<CasBundle>
  /** A client certificate: PEM of key and certificate, its fingerprint, and that of the CA. */
  issueClient(
    subject: string,
    until: number,
  ): Promise<{ readonly pem: string; readonly fingerprint: string; readonly ca: string }>
  /** For names that the edge serves, by the farm's CA. */
  issueEdge(names: readonly string[]): Promise<Issued>
  /** What this host shows to others of the farm. Throws while there is none. */
  material(): Material
  readonly identify: Identify
  /** Ends the connections of a token that is no more. */
  shutOut(token: string): void
  close(): Promise<void>
}

const lookEveryMs = 3600 * 1000
/** Addresses can come later than the daemon does. */
const soonMs = 30_000

export function createOutside(parts: OutsideParts, answer: Answer): Outside {
  const { env, log, store } = parts
  const visitors = new Visitors(env)
  let farm: { readonly name: string; readonly host: string } | undefined
  let authority: Authority | undefined
  let open: { readonly at: string; readonly door: TlsDoor } | undefined
  let wanted: string | undefined
  let failure: CroftError | undefined
  let timer: Disposable | undefined
  let turn: Promise<unknown> = Promise.resolve()

  /** One after another: of two at once a door would stay open that nobody knows of. */
  function listen(at: string | undefined): Promise<void> {
    const mine = turn.then(() => listenNow(at))
    turn = mine.catch(() => undefined)
    return mine
  }

  async function listenNow(at: string | undefined): Promise<void> {
    if (at === open?.at && at === wanted) return
    if (!authority) throw failure ?? new Error('there is no farm yet')
    // Two sockets cannot have one port: where only the address differs, the old one goes first.
    const old = open
    const clash = old && at && parseListen(old.at)?.port === parseListen(at)?.port
    if (clash) await shut()
    try {
      const next = at === undefined ? undefined : { at, door: await openDoor(authority, at) }
      if (!clash) await shut()
      open = next
    } catch (thrown) {
      if (clash) open = { at: old.at, door: await openDoor(authority, old.at) }
      throw thrown
    }
    wanted = at
    failure = undefined
    log.info({ listen: at ?? null }, 'the door to the outside')
  }

  /** Loaded when there is such a door: TLS costs memory. */
  async function openDoor(from: Authority, at: string): Promise<TlsDoor> {
    const { openTlsDoor } = await import('./tls-door.ts')
    return openTlsDoor(at, from.material(), answer)
  }

  async function shut(): Promise<void> {
    await open?.door.close()
    open = undefined
  }

  /** Closes the difference: certificates that are missing or due, a door that did not open. A failure is tried again. */
  async function look(): Promise<void> {
    try {
      await lookOnce()
      failure = undefined
    } catch (thrown) {
      const error = toCroftError(thrown)
      if (error.message !== failure?.message)
        log.error(
          { code: error.code, error: error.message },
          'the door to the outside or its certificate is not as it should be',
        )
      failure = error
    }
  }

  async function lookOnce(): Promise<void> {
    if (farm === undefined) return
    const { name, host } = farm
    authority ??= await openAuthority({ ...parts, farm: name, host, names: () => namesOf(host) })
    // One that cannot be renewed now still opens the door: the reason is told after that.
    const renewed = await authority.refresh().catch(toCroftError)
    const untold = renewed instanceof CroftError ? renewed : await tell(authority, host)
    if (renewed === true) {
      open?.door.renew(authority.material())
      log.info({ expires: authority.certificates().at(-1)?.expires }, 'this host has a new certificate')
    }
    if (wanted !== undefined && open?.at !== wanted) await listen(wanted)
    if (untold) throw untold
  }

  /** The other hosts take this one's word by the key that its record names: written before it is shown. */
  async function tell(from: Authority, host: string): Promise<CroftError | undefined> {
    try {
      await tellHostKey(store(), host, hostKeyOf(from.material().cert))
      return undefined
    } catch (thrown) {
      return toCroftError(thrown)
    }
  }

  async function rotate(what: 'begin' | 'finish'): Promise<boolean> {
    const from = getAuthority()
    if (what === 'begin') await from.rotate()
    else if (!(await from.finish())) return false
    log.warn({ ca: from.fingerprint(), former: from.former() ?? null }, 'the farm’s CA')
    // What cannot be made anew now is told by the door, and tried again; the old one goes on.
    await look()
    open?.door.renew(from.material())
    return true
  }

  async function adopt(ca: string): Promise<void> {
    const from = getAuthority()
    await from.adopt(ca)
    await look()
    open?.door.renew(from.material())
  }

  function getAuthority(): Authority {
    if (authority) return authority
    throw failure ?? new CroftError('NOT_INITIALISED', 'this host has no farm yet', { hint: 'croft init' })
  }

  function lookLater(): void {
    timer = env.later(failure ? soonMs : lookEveryMs, () => void look().finally(lookLater))
  }

  return {
    async begin({ name, listen: at }, { name: host, address }, others) {
      farm = { name, host }
      wanted = doorOf(at, address)
      if (others) followDoor(others, { listen: async (to) => farm && listen(to) }, log)
      await look()
      if (timer === undefined) lookLater()
    },
    listen,
    door: () => ({
      state: open ? 'open' : wanted === undefined && !failure ? 'shut' : 'failed',
      listen: wanted ?? null,
      addresses: open ? addressesOf(open.at) : [],
      fingerprint: authority?.fingerprint() ?? null,
      ...formerOf(authority),
      ...(failure ? { reason: failure.message } : {}),
    }),
    certificates: () => authority?.certificates() ?? [],
    ...{ rotate, adopt },
    async cas() {
      return { ca: getAuthority().text(), stores: storeCasText(await getStoreCas(parts.folder)) }
    },
    material: () => getAuthority().material(),
    issueEdge: async (names) => getAuthority().issueEdge(names),
    async issueClient(subject, until) {
      const from = getAuthority()
      const ca = from.fingerprint()
      const { key, certificate } = await from.issueClient(subject, until)
      return { pem: `${key}${certificate}`, fingerprint: fingerprintOf(new X509Certificate(certificate)), ca }
    },
    identify: createIdentify({ now: () => env.now(), store, visitors }),
    shutOut: (token) => visitors.shutOut(token),
    async close() {
      farm = undefined
      wanted = undefined
      timer?.[Symbol.dispose]()
      timer = undefined
      authority = undefined
      await shut()
    },
  }
}

function formerOf(authority: Authority | undefined): { former?: string } {
  const former = authority?.former()
  return former === undefined ? {} : { former }
}

/** Of this host, without guests' links and what only lives on the link. IPv4 first: that is what most can reach. */
export function ownAddresses(): string[] {
  const all = Object.entries(os.networkInterfaces()).flatMap(([link, addresses = []]) =>
    addresses.filter(({ address, internal }) => !internal && !link.startsWith('croft') && !/^fe80:/i.test(address)),
  )
  return all.sort((one, two) => one.family.localeCompare(two.family)).map(({ address }) => address)
}

/** Loopback too, for who forwards the port by ssh. */
export const namesOf = (host: string): string[] => [
  ...new Set([host, os.hostname(), 'localhost', '127.0.0.1', '::1', ...ownAddresses()].filter(canBeCertified)),
]

/** A host's own name may hold what no certificate takes, like `_`: it has its other names. */
const canBeCertified = (name: string): boolean => /^[a-z0-9:][a-z0-9.:-]*$/i.test(name)

function addressesOf(listen: string): string[] {
  const at = parseListen(listen)
  const own = at?.host === undefined || at.host === '0.0.0.0' || at.host === '::' ? ownAddresses() : [at.host]
  return own.map((address) => (address.includes(':') ? `[${address}]:${at?.port}` : `${address}:${at?.port}`))
}
