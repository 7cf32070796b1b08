/**
 * The farm's etcd, for whoever joins hosts. Loaded lazily: a farm of one host has none.
 *
 *     const { tls, files } = await refreshStorePair({ env, run, folder: folderOf(stateDir), host }, [address])   // hourly
 *     const member = memberDrivers.etcd({ run, folder: join(stateDir, 'etcd') })
 *     await member.start({ name, clientUrl, peerUrl, initial, state: 'new', token, tls: files })
 *     const cluster = openCluster({ endpoints: [clientUrl], tls: () => tls })
 *     const store = await openEtcdStore({ endpoints: [clientUrl], tls: () => tls, newId })
 *
 * A further host: `cluster.add(peerUrl, { learner: true })`, then there `member.start({ …, state: 'existing' })` with all of
 * `cluster.members()` as `initial`, then `cluster.promote(id)` until it is not BUSY any more.
 */
export type { Member, MemberState, MemberWish } from '../../drivers/member/driver.ts'
export { memberDrivers } from '../../drivers/member/table.ts'
export { type Cluster, type ClusterMember, type MemberStatus, openCluster } from '../../store/etcd/cluster.ts'
export { refreshStorePair, type StorePair } from '../pki/store-pair.ts'
