/**
 * The store from a snapshot, as it was then, on this host. There must never be two: the others are sent away first while
 * the store answers, and while it does not, none of them may still be led. What they have of the past goes when their
 * hosts read the restored store; then they are brought in anew.
 */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { CroftError, isCode } from '../../api/errors.ts'
import type { StoreRestore } from '../../api/store.ts'
import type { MemberWish } from '../../drivers/member/driver.ts'
import { storePorts } from '../../plan/host-doors.ts'
import { type Cluster, openCluster } from '../../store/etcd/cluster.ts'
import type { Write } from '../../store/store.ts'
import type { OpenFarm } from '../daemon.ts'
import type { Log } from '../host/parts.ts'
import { ownAddresses } from '../http/outside.ts'
import { keys } from '../records/keys.ts'
import { type HostRecord, readAll, schemaVersion } from '../records/records.ts'
import { createOwnMember, openEtcdAt, ownPair } from '../store-move/open-etcd.ts'
import { findMarker, type StoreMarker, writeMarker } from '../store-move/place.ts'
import type { StoreMemberRecord } from './records.ts'
import type { ViewParts } from './view.ts'

export interface RestoreParts extends ViewParts {
  readonly log: Log
  /** By where it is then. */
  readonly reopenStore: () => Promise<void>
  readonly open: OpenFarm | undefined
}

export async function restoreStore(parts: RestoreParts, asked: StoreRestore): Promise<readonly string[]> {
  const marker = await checkRestore(parts, asked)
  // Nobody else looks after the member meanwhile; who opens the store looks after it again.
  await parts.open?.members?.close()
  try {
    return await replaceStore(parts, marker, asked)
  } finally {
    await parts.reopenStore()
  }
}

async function replaceStore(parts: RestoreParts, marker: StoreMarker, asked: StoreRestore): Promise<readonly string[]> {
  const { settings, env, log } = parts
  const { files } = await ownPair(parts, marker.host)
  const member = createOwnMember(parts)
  const present = await member.state()
  const place = present.is === 'none' ? placeHere(marker) : present.wish
  await leaveAlone(parts, marker, place.clientUrl)
  const { clientUrl, peerUrl } = place
  const wish: MemberWish = {
    ...{ name: marker.host, clientUrl, peerUrl, initial: [{ name: marker.host, peerUrl }], state: 'new' },
    ...{ token: `${marker.farm}-${env.id()}`, tls: files },
  }
  const { keptAt } = await member.restore(asked.file, wish)
  const store = await openEtcdAt(parts, { host: marker.host, endpoints: [clientUrl] })
  try {
    const hosts = (await readAll<HostRecord>(store, keys.hosts)).map(({ value }) => value)
    const others = hosts.filter(({ name, dead }) => name !== marker.host && dead === undefined)
    const goes = (host: string): Write => {
      const record: StoreMemberRecord = { schema: schemaVersion, host, state: 'gone', clientUrl, peerUrl, initial: [] }
      return { put: keys.storeMember(host), value: record }
    }
    await store.transact([], [{ delete: keys.storeMember(marker.host) }, ...others.map(({ name }) => goes(name))])
  } finally {
    await store.close()
  }
  await writeMarker(settings.stateDir, { ...marker, endpoints: [clientUrl] })
  log.warn({ file: asked.file }, 'the store was restored')
  return [`what it had before is kept at ${keptAt} until the next restore`]
}

/** Refuses what can be refused before anything is changed. */
export async function checkRestore(parts: ViewParts, { file, discardData }: StoreRestore): Promise<StoreMarker> {
  const { settings, store } = parts
  const marker = await findMarker(settings.stateDir)
  if (!marker)
    throw new CroftError('REFUSED', `the store of one host is a file: stop the daemon and put a copy back there`, {
      hint: `cp COPY ${settings.storeFile}`,
    })
  if (!(await isWhole(file)))
    throw new CroftError('REFUSED', `${file} is no whole snapshot of the store`, { hint: 'croft farm store' })
  if (store && !discardData)
    throw new CroftError('REFUSED', 'the store answers: all that it learnt since the snapshot would be gone', {
      hint: `croft farm store restore ${file} --discard-data`,
    })
  return marker
}

const hashBytes = 32

/** Its last 32 bytes are the SHA-256 of the others. */
export async function isWhole(file: string): Promise<boolean> {
  const found = await stat(file).catch(() => undefined)
  if (!found?.isFile() || found.size <= hashBytes) return false
  const hash = createHash('sha256')
  const end = found.size - hashBytes
  for await (const piece of createReadStream(file, { end: end - 1 })) hash.update(piece as Buffer)
  const said: Buffer[] = []
  for await (const piece of createReadStream(file, { start: end })) said.push(piece as Buffer)
  return hash.digest().equals(Buffer.concat(said))
}

/** Where this host's member would be, that has none: at an address of its own. */
function placeHere({ endpoints }: StoreMarker): { readonly clientUrl: string; readonly peerUrl: string } {
  const own = endpoints.find((url) => ownAddresses().includes(new URL(url).hostname.replace(/^\[|\]$/g, '')))
  if (own === undefined)
    throw new CroftError('REFUSED', 'this host has no member of the store: restore it on one that has', {
      hint: 'croft farm store',
    })
  return { clientUrl: own, peerUrl: own.replace(/:\d+$/, `:${storePorts.peer}`) }
}

async function leaveAlone(parts: RestoreParts, { host, endpoints }: StoreMarker, own: string): Promise<void> {
  const { tls } = await ownPair(parts, host)
  const cluster = openCluster({ endpoints, tls, patienceMs: 4000 })
  try {
    if (parts.store) await sendOthersAway(cluster, own)
    else
      await assertNoneLed(
        cluster,
        endpoints.filter((url) => url !== own),
      )
  } finally {
    await cluster.close()
  }
}

async function sendOthersAway(cluster: Cluster, own: string): Promise<void> {
  const others = (await cluster.members()).filter(({ clientUrls }) => !clientUrls.includes(own))
  for (const { id } of others) await removeSoon(cluster, id)
}

const [againMs, tries] = [1000, 30]

/** For some seconds after one has come back etcd lets none go, and after its leader went it does not answer. */
async function removeSoon(cluster: Cluster, id: string): Promise<void> {
  for (let count = 1; ; count++) {
    try {
      await cluster.remove(id)
      return
    } catch (thrown) {
      if (isCode(thrown, 'NOT_FOUND')) return
      if (!(isCode(thrown, 'BUSY') || isCode(thrown, 'STORE_CLOSED')) || count >= tries) throw thrown
    }
    await sleep(againMs)
  }
}

/** Cut off from the others, this host would make a second store beside theirs. */
async function assertNoneLed(cluster: Cluster, urls: readonly string[]): Promise<void> {
  for (const url of urls) {
    const status = await cluster.status(url).catch(() => undefined)
    if (status?.leader === undefined) continue
    throw new CroftError('REFUSED', `the store is whole at ${url}, and this host alone is cut off from it`, {
      hint: 'croft doctor',
    })
  }
}
