/**
 * The farm's store, from the file of its one host into etcd on that host. Until the file says that it was left, it is the
 * store, and every attempt begins again; from then on it never is again.
 *
 *     member runs ─► writes are held ─► copied and compared ─► marked there ─► the file says: left ─► marker ─► by etcd
 */
import { isIPv6 } from 'node:net'
import { CroftError } from '../../api/errors.ts'
import { parseListen } from '../../api/values.ts'
import { storePorts } from '../../plan/host-doors.ts'
import { timestamp } from '../env.ts'
import type { JoiningParts } from '../join/parts.ts'
import { folderOf } from '../pki/authority.ts'
import { beginStoreCas } from '../pki/store-cas.ts'
import { keys } from '../records/keys.ts'
import { type HostRecord, read, schemaVersion } from '../records/records.ts'
import { copyStore, type LeftRecord } from './copy.ts'
import { createOwnMember, openEtcdAt, ownPair } from './open-etcd.ts'
import { writeMarker } from './place.ts'

const { client: clientPort, peer: peerPort } = storePorts

export async function moveIntoEtcd(parts: JoiningParts): Promise<void> {
  const { settings, env, log, failpoint } = parts
  const opened = parts.open()?.parts
  if (!opened) throw new CroftError('NOT_INITIALISED', 'this host has no farm yet', { hint: 'croft init' })
  const { farm, host } = opened
  const address = await addressOf(parts, host.name)
  const [clientUrl, peerUrl] = [urlOf(address, clientPort), urlOf(address, peerPort)]
  const endpoints = [clientUrl]
  const began = env.monotonicMs()
  await beginStoreCas({ env, run: parts.run, folder: folderOf(settings.stateDir) })
  const member = createOwnMember(parts)
  await member.start({
    ...{ name: host.name, clientUrl, peerUrl, state: 'new', token: farm.id },
    initial: [{ name: host.name, peerUrl }],
    tls: (await ownPair(parts, host.name)).files,
  })
  failpoint('storeMember.after')
  await parts.moveStore(async (from) => {
    const to = await openEtcdAt(parts, { endpoints, host: host.name })
    try {
      const now = () => timestamp(env)
      const { entries } = await copyStore({ from, to, now, failpoint })
      const who = { farm: farm.id, farmName: farm.name, host: host.name, endpoints }
      const left: LeftRecord = { schema: schemaVersion, to: to.id, at: now(), ...who }
      await from.transact([], [{ put: keys.moved, value: left }])
      failpoint('storeLeft.after')
      await writeMarker(settings.stateDir, { schema: 1, kind: 'etcd', ...who })
      failpoint('storeMarker.after')
      const tookMs = Math.round(env.monotonicMs() - began)
      log.info({ entries, tookMs, endpoints }, 'the store has moved into etcd')
    } finally {
      await to.close()
    }
  })
}

async function addressOf(parts: JoiningParts, name: string): Promise<string> {
  const host = await read<HostRecord>(parts.store(), keys.host(name))
  const address = parseListen(host?.value.address ?? '')?.host
  if (address !== undefined) return address
  throw new CroftError('REFUSED', `host ${name} has told no address where others reach it`, {
    hint: 'croft host invite --address ADDRESS:PORT',
  })
}

const urlOf = (address: string, port: number): string => `https://${isIPv6(address) ? `[${address}]` : address}:${port}`
