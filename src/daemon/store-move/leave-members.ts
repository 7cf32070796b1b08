/** A host that goes is no member of the store any more, unless the store is on it alone. */
import { CroftError, isCode } from '../../api/errors.ts'
import { type Cluster, openCluster } from '../members/index.ts'
import { statusesOf } from '../members/lead.ts'
import { createOwnMember, type EtcdParts, ownPair } from './open-etcd.ts'
import { findMarker } from './place.ts'

/** Undefined where this host has none. */
async function withMembers<T>(
  parts: EtcdParts,
  own: string,
  work: (cluster: Cluster) => Promise<T>,
): Promise<T | undefined> {
  const marker = await findMarker(parts.settings.stateDir)
  if (!marker || (await createOwnMember(parts).state()).is === 'none') return undefined
  const { tls } = await ownPair(parts, own)
  const cluster = openCluster({ endpoints: marker.endpoints, tls: () => tls })
  try {
    return await work(cluster)
  } finally {
    await cluster.close()
  }
}

/** Refused before anything is changed: where it is the last one, or the others that answer would be no majority. */
export async function assertSpared(parts: EtcdParts, own: string): Promise<void> {
  await withMembers(parts, own, async (cluster) => {
    const others = (await cluster.members()).filter(({ name }) => name !== own)
    if (others.length === 0)
      throw new CroftError('REFUSED', `the farm’s store is on ${own} alone: without it the farm has none`, {
        hint: 'croft farm store',
      })
    const answering = await statusesOf(cluster, others)
    const away = others.filter(({ id, learner }) => !learner && !answering.has(id)).map(({ name }) => name)
    const voting = others.filter(({ learner }) => !learner).length
    if (voting - away.length > voting / 2) return
    throw new CroftError(
      'REFUSED',
      `without ${own} the farm’s store would stand still: no answer of ${away.join(', ')}`,
      {
        hint: `croft farm store · croft host declare-dead ${away[0] ?? 'HOST'}`,
      },
    )
  })
}

export async function leaveMembers(parts: EtcdParts, own: string): Promise<void> {
  await withMembers(parts, own, async (cluster) => {
    const mine = (await cluster.members()).find(({ name }) => name === own)
    if (mine)
      await cluster.remove(mine.id).catch((thrown) => {
        if (!isCode(thrown, 'NOT_FOUND')) throw thrown
      })
    // Also what is left of one that was sent away before.
    await createOwnMember(parts).erase()
  })
}
