/** A host that goes is no member of the store any more, unless the store is on it alone. */
import { CroftError, isCode } from '../../api/errors.ts'
import { openCluster } from '../members/index.ts'
import { createOwnMember, type EtcdParts, ownPair } from './open-etcd.ts'
import { findMarker } from './place.ts'

interface Member {
  readonly id: string
  readonly name: string
}

/** Undefined where this host has none. */
async function withMembers<T>(
  parts: EtcdParts,
  own: string,
  work: (members: readonly Member[], remove: (id: string) => Promise<void>) => Promise<T>,
): Promise<T | undefined> {
  const marker = await findMarker(parts.settings.stateDir)
  if (!marker || (await createOwnMember(parts).state()).is === 'none') return undefined
  const { tls } = await ownPair(parts, own)
  const cluster = openCluster({ endpoints: marker.endpoints, tls: () => tls })
  try {
    return await work(await cluster.members(), (id) => cluster.remove(id))
  } finally {
    await cluster.close()
  }
}

export async function assertNotLastMember(parts: EtcdParts, own: string): Promise<void> {
  await withMembers(parts, own, async (members) => {
    if (members.some(({ name }) => name !== own)) return
    throw new CroftError('REFUSED', `the farm’s store is on ${own} alone: without it the farm has none`, {
      hint: 'croft farm store',
    })
  })
}

export async function leaveMembers(parts: EtcdParts, own: string): Promise<void> {
  await withMembers(parts, own, async (members, remove) => {
    const mine = members.find(({ name }) => name === own)
    if (!mine) return
    await remove(mine.id).catch((thrown) => {
      if (!isCode(thrown, 'NOT_FOUND')) throw thrown
    })
    await createOwnMember(parts).erase()
  })
}
