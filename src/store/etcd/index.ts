import type { Store } from '../store.ts'
import { away, toCroft } from './faults.ts'
import { Link } from './link.ts'
import { EtcdStore } from './store.ts'
import type { TlsSource } from './transport.ts'
import { bytes, idKeyOf, jsonOf, type Space, type TxnAnswer } from './wire.ts'

export type { Tls, TlsSource } from './transport.ts'

export interface EtcdOptions {
  /** `https://198.51.100.1:2379`, of all members that are known; the nearest first. */
  readonly endpoints: readonly string[]
  readonly tls: TlsSource
  /** For the store itself, once, and for each lease. */
  readonly newId: () => string
  /** Monotonic milliseconds, for deadlines; leases are measured by etcd. */
  readonly now?: () => number
  /** Before all its keys; `croft` unless told. */
  readonly prefix?: string
  /** How long a request looks for a member that answers; 6 s unless told. */
  readonly patienceMs?: number
}

/** Throws STORE_CLOSED when no member answers, or too few of them for a majority. */
export async function openEtcdStore(options: EtcdOptions): Promise<Store> {
  const { endpoints, tls, newId, prefix = 'croft', patienceMs = 6000 } = options
  const link = new Link({ endpoints, tls, patienceMs, now: options.now ?? (() => performance.now()) })
  try {
    const space = { prefix }
    const { id, clusterId } = await identify(link, space, newId)
    return new EtcdStore(link, { id: `${id}-${clusterId}`, clusterId, space, newId })
  } catch (thrown) {
    const failure = toCroft(thrown)
    link.close(away('it could not be opened'))
    throw failure
  }
}

/** Made once. etcd's own id is part of it, because a store that was restored has the same key but not the same past. */
async function identify(link: Link, space: Space, newId: () => string): Promise<{ id: string; clusterId: string }> {
  const key = idKeyOf(space)
  const read = { request_range: { key } }
  const make = { request_put: { key, value: bytes(newId()) } }
  const { header, responses } = await link.ask<TxnAnswer>({
    path: '/v3/kv/txn',
    body: {
      compare: [{ key, target: 'MOD', result: 'EQUAL', mod_revision: '0' }],
      success: [make, read],
      failure: [read],
    },
  })
  const kv = responses?.at(-1)?.response_range?.kvs?.[0]
  if (kv === undefined || header?.cluster_id === undefined) throw new Error('etcd gave no id')
  return { id: jsonOf(kv), clusterId: header.cluster_id }
}
