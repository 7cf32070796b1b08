/**
 * The joining host. Killed or refused anywhere, the same word is typed again and it goes on; what counts is written last.
 *
 *     key (joining.json) ─► farm asked, this host looked at ─► pool ─► admitted: CA, seal key, where the store is
 *       ─► own certificate ─► one transaction: this host's records ─► pki/ ─► store.json ─► by the farm's store
 */
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { isIPv6 } from 'node:net'
import { join } from 'node:path'
import { CroftError } from '../../api/errors.ts'
import type { Admission, Invitation, JoinToken } from '../../api/join.ts'
import { parseJoinToken } from '../../api/join.ts'
import type { Accepted, PlannedStep } from '../../api/resources.ts'
import { HostName, parseListen } from '../../api/values.ts'
import type { PoolSpec } from '../../drivers/storage/driver.ts'
import { storageDrivers } from '../../drivers/storage/table.ts'
import { openEtcdStore } from '../../store/etcd/index.ts'
import { adviseInit, readInitFacts } from '../doctor/advice.ts'
import { createLook } from '../doctor/look.ts'
import { namesOf, ownAddresses } from '../http/outside.ts'
import { planPool } from '../init.ts'
import { refreshStorePair } from '../members/index.ts'
import { folderOf, openAuthority } from '../pki/authority.ts'
import { makeFormerStoreCa } from '../pki/former-store-ca.ts'
import { findCa } from '../pki/pair.ts'
import { storeCasFile, storeCasText } from '../pki/store-cas.ts'
import { hostKeyOf } from '../records/host-key.ts'
import { hashOf } from '../records/tokens.ts'
import { assertEnough, readVersions } from '../records/versions.ts'
import { replaceFile } from '../replace-file.ts'
import type { StoreMarker } from '../store-move/place.ts'
import { type Dialled, dial } from './dial.ts'
import type { JoinAsked, Joined } from './joining.ts'
import type { JoiningParts } from './parts.ts'
import { nameTaken, type Reservation, reserveHost } from './reserve.ts'

const defaultPort = 8443
/** Certificates and leases are judged by clocks. */
const largestSkewMs = 30_000

export async function joinFarm(parts: JoiningParts, asked: JoinAsked, by: string): Promise<Joined> {
  const { settings, failpoint, log } = parts
  const looked = await look(parts, asked)
  const { token, name, farmLine, dialled, invitation } = looked
  const key = await keepKey(parts, asked.token)
  failpoint('joinKey.after')
  const pool = asked.witness ? undefined : await openPool(parts, asked)
  const body = {
    ...{ name, key, version: parts.version },
    ...(invitation.abilities === undefined ? {} : { abilities: parts.abilities }),
  }
  const { result } = (await dialled.ask('admitHost', body)) as Accepted<Admission>
  if (!result) throw new CroftError('UNREACHABLE', 'the farm answered with nothing', { hint: 'croft join TOKEN' })
  failpoint('joinAdmitted.after')
  const address = asked.address ?? inBrackets(dialled.ownAddress)
  const host = await enter(parts, result, { invitation: result.invitation, key, name, address, by, pool })
  failpoint('joinRecords.after')
  await install(parts, token)
  failpoint('joinInstalled.after')
  const marker: StoreMarker = {
    ...{ schema: 1, kind: 'etcd', farm: invitation.farm.id, host: name, farmName: invitation.farm.name },
    endpoints: result.store.endpoints,
  }
  await parts.becomeHost(marker)
  await rm(keyFileOf(settings.stateDir), { force: true })
  log.info({ farm: invitation.farm.name, host: name, number: host.number }, 'this host is one of the farm')
  const runs = pool === undefined ? 'votes in the store, and runs nothing' : `pool ${pool.kind} ${pool.source}`
  return {
    farm: invitation.farm.name,
    host: name,
    lines: [farmLine, `host ${name} · number ${host.number} · ${address}`, runs],
  }
}

export async function planJoin(parts: JoiningParts, asked: JoinAsked): Promise<readonly PlannedStep[]> {
  const { name, invitation } = await look(parts, asked)
  return [{ what: name, step: 'join', detail: `farm ${invitation.farm.name}, guests ${invitation.farm.prefix4}` }]
}

interface Looked {
  readonly token: JoinToken
  readonly name: string
  readonly dialled: Dialled
  readonly invitation: Invitation
  readonly farmLine: string
}

/** All that can be refused before anything is changed, here or there. */
async function look(parts: JoiningParts, asked: JoinAsked): Promise<Looked> {
  const { settings, run, env } = parts
  const token = parseJoinToken(asked.token)
  if (!token)
    throw new CroftError('BAD_VALUE', 'this is no invitation, or it was cut or changed on its way', {
      hint: 'on a host of the farm: croft host invite',
    })
  const there = parts.open()?.parts
  if (there)
    throw new CroftError('EXISTS', `this host is in farm "${there.farm.name}", as ${there.host.name}`, {
      hint: 'croft status',
    })
  const name = ownName(asked.name ?? settings.hostName)
  assertOwnAddress(asked.address)
  await assertNoOtherCa(settings.stateDir, token)
  const dialled = await dial(token)
  const began = env.now()
  const invitation = (await dialled.ask('getInvitation')) as Invitation
  assertClock((began + env.now()) / 2, Date.parse(invitation.now))
  if (invitation.hosts.includes(name)) throw nameTaken(name)
  const { prefix4, name: farm } = invitation.farm
  await assertRoom(createLook(run), prefix4)
  return {
    token,
    name,
    dialled,
    invitation,
    farmLine: `farm ${farm} · guests ${prefix4} · CA ${token.fingerprint.slice(0, 16)}…`,
  }
}

function ownName(text: string): string {
  const parsed = HostName.safeParse(text)
  if (parsed.success) return parsed.data
  throw new CroftError('BAD_VALUE', `"${text.slice(0, 80)}" is no name for a host: it must be one label`, {
    hint: 'croft join TOKEN --name NAME',
  })
}

function assertOwnAddress(address: string | undefined): void {
  const at = parseListen(address ?? '')?.host
  if (address === undefined || (at !== undefined && ownAddresses().includes(at))) return
  throw new CroftError('REFUSED', `this host has no address ${at ?? address}`, { hint: 'ip address' })
}

/** What another farm left here would be taken for this one's. */
async function assertNoOtherCa(stateDir: string, token: JoinToken): Promise<void> {
  const file = join(folderOf(stateDir), 'ca.pem')
  const ca = await findCa(file)
  const known = [ca?.x509, ca?.former?.x509].map((each) => each?.fingerprint256.replaceAll(':', '').toLowerCase())
  if (!ca || known.includes(token.fingerprint)) return
  throw new CroftError('REFUSED', `this host has the CA of another farm: ${file}`, {
    hint: `when nothing of that farm is wanted any more: mv ${folderOf(stateDir)} ${folderOf(stateDir)}.old`,
  })
}

export function assertClock(own: number, theirs: number): void {
  const skewMs = Math.abs(own - theirs)
  if (skewMs <= largestSkewMs) return
  throw new CroftError(
    'REFUSED',
    `the clocks differ by ${Math.round(skewMs / 1000)} s: here ${new Date(own).toISOString()}, there ${new Date(theirs).toISOString()}`,
    { hint: 'timedatectl set-ntp true' },
  )
}

async function assertRoom(at: ReturnType<typeof createLook>, prefix4: string): Promise<void> {
  try {
    adviseInit(await readInitFacts(at), prefix4)
  } catch (thrown) {
    if (!(thrown instanceof CroftError) || !thrown.message.startsWith(prefix4)) throw thrown
    const hint = 'ip route show table all; guests of the farm need these addresses on every host'
    throw new CroftError('REFUSED', thrown.message, { hint, cause: thrown })
  }
}

export const keyFileOf = (stateDir: string): string => join(stateDir, 'joining.json')

/** Of this token, and known to this host alone: kept before it is said, so that only this host can come again. */
async function keepKey({ settings, env }: JoiningParts, token: string): Promise<string> {
  const file = keyFileOf(settings.stateDir)
  const of = hashOf(token.trim())
  const kept = await readFile(file, 'utf8')
    .then(JSON.parse)
    .catch(() => undefined)
  if (kept?.of === of && /^[0-9a-f]{64}$/.test(kept.key)) return kept.key
  const key = env.randomHex(32)
  await replaceFile(file, JSON.stringify({ of, key }))
  return key
}

async function openPool({ settings, run }: JoiningParts, { pool: asked }: JoinAsked): Promise<PoolSpec> {
  const pool = planPool(settings, asked)
  await storageDrivers.btrfs({ run, pool }).open()
  return pool
}

const stagingOf = (stateDir: string): string => join(stateDir, 'pki.joining')

/** By what was handed over, in a folder of its own until this host is in. */
async function enter(
  parts: JoiningParts,
  { farm, ca, seal, store, storeCas }: Admission,
  wanted: Omit<Reservation, 'hostKey'>,
): ReturnType<typeof reserveHost> {
  const { settings, env, run, failpoint } = parts
  const folder = stagingOf(settings.stateDir)
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { mode: 0o700 })
  await writeFile(join(folder, 'ca.pem'), ca, { mode: 0o600 })
  await writeFile(join(folder, 'seal.key'), seal, { mode: 0o600 })
  const stores = storeCas ?? storeCasText([await makeFormerStoreCa({ env, run, folder }, ca)])
  await writeFile(storeCasFile(folder), stores, { mode: 0o600 })
  const names = () => namesOf(wanted.name)
  const authority = await openAuthority({ env, run, folder, farm: farm.name, host: wanted.name, names })
  await authority.refresh()
  failpoint('joinCertificate.after')
  const { tls } = await refreshStorePair({ env, run, folder, host: wanted.name }, ownAddresses())
  const opened = await openEtcdStore({ endpoints: store.endpoints, newId: () => env.uuid(), tls })
  try {
    assertEnough(await readVersions(opened), parts)
    return await reserveHost(env, opened, { ...wanted, hostKey: hostKeyOf(authority.material().cert) })
  } finally {
    await opened.close()
  }
}

async function install({ settings }: JoiningParts, token: JoinToken): Promise<void> {
  await assertNoOtherCa(settings.stateDir, token)
  await rm(folderOf(settings.stateDir), { recursive: true, force: true })
  await rename(stagingOf(settings.stateDir), folderOf(settings.stateDir))
}

const inBrackets = (address: string): string =>
  isIPv6(address) ? `[${address}]:${defaultPort}` : `${address}:${defaultPort}`
