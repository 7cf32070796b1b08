/** Hosts come into the farm: one invites, the other joins. What an invitation shows is for who holds it, and for nobody else. */
import { isIP } from 'node:net'
import { CroftError } from '../../../api/errors.ts'
import type { Invitation, MadeInvitation } from '../../../api/join.ts'
import { joinToken } from '../../../api/join.ts'
import { parseListen } from '../../../api/values.ts'
import { doorOf } from '../../../plan/host-door.ts'
import { getFarm, type WholeDaemon } from '../../daemon.ts'
import { timestamp } from '../../env.ts'
import { type Change, commit } from '../../records/change.ts'
import {
  assertMayCome,
  forgetOldInvitations,
  getInvitation,
  type InvitationRecord,
  makeInvitation,
} from '../../records/invitations.ts'
import { keys } from '../../records/keys.ts'
import { type FarmRecord, type Held, type HostRecord, read, readAll, schemaVersion } from '../../records/records.ts'
import { assertRoot, type Caller } from '../access.ts'
import type { Handlers } from '../handler.ts'
import { ownAddresses } from '../outside.ts'

const defaultPort = 8443

export const handlers = {
  /** The door is opened first: where that fails nothing was changed. */
  async inviteHost(daemon, { body, query, caller }) {
    assertRoot(caller, 'hosts are invited', 'croft host invite')
    const { host, farm } = await readOwn(daemon)
    const place = placeFor(daemon, host.value, { farm: farm.value, asked: body.address })
    const detail = `until ${endOf(daemon, body.expires)}, at ${place.address}${place.opens ? ', opening the door there' : ''}`
    if (query.dryRun)
      return { operation: null, result: null, steps: [{ what: host.value.name, step: 'invite', detail }] }
    const { secret, hash, id } = makeInvitation(daemon.env)
    const expires = endOf(daemon, body.expires)
    const record: InvitationRecord = {
      ...{ schema: schemaVersion, id, hash, created: timestamp(daemon.env), by: caller.name, expires },
    }
    await daemon.outside.listen(doorOf(farm.value.listen, place.own))
    try {
      await commit(daemon, caller, query, async (): Promise<Change> => {
        const now = await getHostRecord(daemon, host.value.name)
        const after: HostRecord = { ...now.value, address: place.own }
        return {
          ...{ kind: 'host', name: host.value.name, verb: 'invite', before: null },
          after: { invitation: id, expires, address: place.address },
          compare: [
            { key: keys.invite(id), revision: 0 },
            { key: now.key, revision: now.revision },
          ],
          writes: [
            { put: keys.invite(id), value: record },
            // Also when it says the same: a door that is moved at this moment sees that it is needed.
            { put: now.key, value: after },
            ...(await forgetOldInvitations(daemon.store, daemon.env.now())),
          ],
        }
      })
    } catch (thrown) {
      await daemon.outside.listen(doorOf(farm.value.listen, host.value.address))
      throw thrown
    }
    const { fingerprint } = daemon.outside.door()
    if (fingerprint === null) throw new CroftError('FAILED', 'this host has no CA yet', { hint: 'croft doctor' })
    const token = joinToken({ address: place.address, secret, fingerprint })
    const made: MadeInvitation = { id, token, address: place.address, fingerprint, expires, opened: place.opens }
    return { operation: null, result: made }
  },

  async joinFarm(daemon, { body, query, caller }) {
    assertRoot(caller, 'a farm is joined', 'croft join TOKEN')
    const joining = await daemon.joining()
    if (query.dryRun) return { operation: null, result: null, steps: await joining.plan(body) }
    const { lines, host, farm } = await joining.join(body, caller.name)
    return { operation: null, result: { lines, host, farm } }
  },

  async getInvitation(daemon, { caller }): Promise<Invitation> {
    const { value } = await invitationOf(daemon, caller)
    await assertMayCome(daemon.store, value, daemon.env.now())
    const { name, id, prefix4, prefix6 } = (await readFarm(daemon)).value
    const hosts = await readAll<HostRecord>(daemon.store, keys.hosts)
    // A host that comes again has reserved its own name.
    const others = hosts.map(({ value: host }) => host.name).filter((host) => host !== value.bound?.host)
    return {
      farm: { name, id, prefix4, prefix6 },
      ...(daemon.abilities === undefined ? {} : { abilities: daemon.abilities }),
      ...{ version: daemon.version, now: timestamp(daemon.env), hosts: others },
    }
  },

  async admitHost(daemon, { body, query, caller }) {
    const { value } = await invitationOf(daemon, caller)
    await assertMayCome(daemon.store, value, daemon.env.now(), body.key)
    if (query.dryRun)
      return { operation: null, result: null, steps: [{ what: body.name, step: 'admit', detail: value.id }] }
    const joining = await daemon.joining()
    return { operation: null, result: await joining.admit(value.id, body, caller.from ?? null) }
  },
} satisfies Partial<Handlers>

async function invitationOf(daemon: WholeDaemon, caller: Caller): Promise<Held<InvitationRecord>> {
  if (caller.invitation !== undefined) return getInvitation(daemon.store, caller.invitation)
  throw new CroftError('REFUSED', 'this is for a host that was invited', { hint: 'croft host invite' })
}

interface Place {
  /** How the joining host reaches this one. */
  readonly address: string
  /** `IP:PORT` of this host, for all others from now on. */
  readonly own: string
  readonly opens: boolean
}

function placeFor(
  daemon: WholeDaemon,
  host: HostRecord,
  { farm, asked }: { readonly farm: FarmRecord; readonly asked: string | undefined },
): Place {
  const { state } = daemon.outside.door()
  const shown = doorOf(farm.listen, host.address)
  const port = /:(\d+)$/.exec(withoutHost(asked))?.[1] ?? parseListen(shown ?? '')?.port ?? defaultPort
  const [first] = ownAddresses()
  const named = asked === undefined ? undefined : asked.replace(/:\d+$/, '').replace(/^\[|\]$/g, '')
  const own = named !== undefined && ownAddresses().includes(named) ? named : (parseListen(shown ?? '')?.host ?? first)
  if (own === undefined)
    throw new CroftError('REFUSED', 'this host sees no address that others could reach', {
      hint: 'croft host invite --address ADDRESS:PORT',
    })
  if (shown !== undefined && parseListen(shown)?.port !== Number(port))
    throw new CroftError('REFUSED', `the door is open at ${shown}, not on port ${port}`, {
      hint: `croft farm set listen=:${port}`,
    })
  const at = inBrackets(own, Number(port))
  return {
    address: named === undefined ? at : inBrackets(named, Number(port)),
    ...{ own: at, opens: state !== 'open' },
  }
}

/** A bare IPv6 address has no port at its end. */
const withoutHost = (asked = ''): string => (isIP(asked) === 6 ? '' : asked)

const inBrackets = (address: string, port: number): string =>
  isIP(address) === 6 ? `[${address}]:${port}` : `${address}:${port}`

const endOf = ({ env }: WholeDaemon, lifeMs: number | null): string => new Date(env.now() + (lifeMs ?? 0)).toISOString()

async function readOwn(daemon: WholeDaemon): Promise<{ host: Held<HostRecord>; farm: Held<FarmRecord> }> {
  const { host } = getFarm(daemon).parts
  return { host: await getHostRecord(daemon, host.name), farm: await readFarm(daemon) }
}

async function getHostRecord({ store }: WholeDaemon, name: string): Promise<Held<HostRecord>> {
  const found = await read<HostRecord>(store, keys.host(name))
  if (found) return found
  throw new CroftError('NOT_FOUND', `no host "${name}"`, { hint: 'croft host ls' })
}

async function readFarm({ store }: WholeDaemon): Promise<Held<FarmRecord>> {
  const found = await read<FarmRecord>(store, keys.farm)
  if (found) return found
  throw new CroftError('NOT_INITIALISED', 'this host has no farm yet', { hint: 'croft init' })
}
