/** Which words etcd is started with, and what makes data of a snapshot. Pure. */
import { join } from 'node:path'
import type { Command } from '../../exec/command.ts'
import type { MemberWish } from '../driver.ts'

export interface Layout {
  readonly folder: string
  readonly data: string
  /** Made of a snapshot, and not in force yet. */
  readonly next: string
  /** What was in force before a restore. */
  readonly before: string
  /** What is to be in force with `next`. */
  readonly nextWish: string
  readonly wish: string
  readonly log: string
}

export const layoutOf = (folder: string): Layout => ({
  folder,
  data: join(folder, 'data'),
  next: join(folder, 'next'),
  before: join(folder, 'before-restore'),
  nextWish: join(folder, 'next.json'),
  wish: join(folder, 'member.json'),
  log: join(folder, 'log'),
})

/** The data folder is the word by which the process is found again; all else comes by its environment. */
export const memberCommand = (layout: Layout, wish: MemberWish): Command => ({
  file: 'etcd',
  args: ['--data-dir', layout.data],
  timeoutMs: 0,
  env: environmentOf(wish),
})

function environmentOf(wish: MemberWish): Record<string, string> {
  const { tls } = wish
  const side = (which: 'ETCD' | 'ETCD_PEER'): Record<string, string> =>
    tls === undefined
      ? {}
      : {
          [`${which}_TRUSTED_CA_FILE`]: tls.ca,
          [`${which}_CERT_FILE`]: tls.cert,
          [`${which}_KEY_FILE`]: tls.key,
          [`${which}_CLIENT_CERT_AUTH`]: 'true',
        }
  return {
    ETCD_NAME: wish.name,
    ETCD_LISTEN_CLIENT_URLS: wish.clientUrl,
    ETCD_ADVERTISE_CLIENT_URLS: wish.clientUrl,
    ETCD_LISTEN_PEER_URLS: wish.peerUrl,
    ETCD_INITIAL_ADVERTISE_PEER_URLS: wish.peerUrl,
    ETCD_INITIAL_CLUSTER: initialText(wish),
    ETCD_INITIAL_CLUSTER_STATE: wish.state,
    ETCD_INITIAL_CLUSTER_TOKEN: wish.token,
    // Beside busy guests a disk may take its time: half a second of silence is no reason for an election.
    ETCD_HEARTBEAT_INTERVAL: '200',
    ETCD_ELECTION_TIMEOUT: '2000',
    // How much of the past is kept in memory for members that fall behind.
    ETCD_SNAPSHOT_COUNT: '10000',
    // What watches can still be replayed from.
    ETCD_AUTO_COMPACTION_MODE: 'periodic',
    ETCD_AUTO_COMPACTION_RETENTION: '1h',
    ETCD_LOGGER: 'zap',
    ETCD_LOG_LEVEL: 'warn',
    // Names are checked instead; a host behind a translated address shows another one.
    ...(tls === undefined ? {} : { ETCD_EXPERIMENTAL_PEER_SKIP_CLIENT_SAN_VERIFICATION: 'true' }),
    ...side('ETCD'),
    ...side('ETCD_PEER'),
  }
}

const initialText = ({ initial }: MemberWish): string =>
  initial.map(({ name, peerUrl }) => `${name}=${peerUrl}`).join(',')

export const restoreCommand = (layout: Layout, file: string, wish: MemberWish): Command => ({
  file: 'etcdctl',
  args: [
    ...['snapshot', 'restore', '--name', wish.name, '--initial-cluster', initialText(wish)],
    ...['--initial-advertise-peer-urls', wish.peerUrl, '--initial-cluster-token', wish.token],
    ...['--data-dir', layout.next, '--', file],
  ],
  timeoutMs: 300_000,
  env: { ETCDCTL_API: '3' },
})
