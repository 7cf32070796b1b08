/**
 * The farm's etcd, for whoever joins hosts:
 *
 *     const member = createMember({ run, folder: join(stateDir, 'etcd') })            // drivers/member/etcd
 *     await member.start({ name, clientUrl, peerUrl, initial, state: 'new', token, tls: { ca, cert, key } })   // paths
 *     const cluster = openCluster({ endpoints: [clientUrl], tls })                    // store/etcd/cluster.ts; PEM text
 *     const store = await openEtcdStore({ endpoints: [clientUrl], tls, newId })       // store/etcd/index.ts
 *
 * A further host: `cluster.add(peerUrl, { learner: true })`, then there `member.start({ …, state: 'existing' })` with all of
 * `cluster.members()` as `initial`, then `cluster.promote(id)` until it is not BUSY any more.
 */
export type { Member, MemberState, MemberWish } from '../../drivers/member/driver.ts'
export type { Cluster, ClusterMember, MemberStatus } from '../../store/etcd/cluster.ts'
