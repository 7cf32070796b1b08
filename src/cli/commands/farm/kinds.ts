/** Pools, networks and sizes are short lists: the same columns serve as rows and as fields. */
import type { Network, Pool, Size } from '../../../api/resources.ts'
import type { Column } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { items } from '../../wire/request.ts'

export type Kind = 'pool' | 'network' | 'size'

interface Listed {
  readonly records: readonly { readonly name: string }[]
  readonly columns: readonly Column[]
}

const pools: readonly Column<Pool>[] = [
  { title: 'NAME', get: (pool) => pool.name },
  { title: 'STATE', as: 'state', get: (pool) => (pool.mounted ? 'mounted' : 'missing') },
  { title: 'FREE', as: 'bytes', get: (pool) => pool.freeBytes },
  { title: 'TOTAL', as: 'bytes', get: (pool) => pool.totalBytes },
  { title: 'KIND', get: (pool) => pool.kind },
  { title: 'HOST', get: (pool) => pool.host },
  { title: 'SOURCE', elastic: true, get: (pool) => pool.source },
]

/** Only when there is something to say. */
const poolReason: Column<Pool> = { title: 'REASON', get: (pool) => pool.reason }

const networks: readonly Column<Network>[] = [
  { title: 'NAME', get: (network) => network.name },
  { title: 'KIND', get: (network) => network.kind },
  { title: 'IPV4', get: (network) => network.prefix4 },
  { title: 'IPV6', get: (network) => network.prefix6 },
  { title: 'UPLINK', get: (network) => network.uplink },
  { title: 'MTU', as: 'number', get: (network) => network.mtu },
]

/** Only when there is one. */
const vlans: readonly Column<Network>[] = [
  { title: 'VLAN', as: 'number', get: (network) => network.vlan },
  { title: 'GATEWAYS', get: (network) => network.gateways?.join(', ') },
  { title: 'GUESTS', elastic: true, get: (network) => network.guests?.join(', ') },
]

const sizes: readonly Column<Size>[] = [
  { title: 'NAME', get: (size) => size.name },
  { title: 'CPUS', as: 'number', get: (size) => size.cpus },
  { title: 'MEMORY', as: 'bytes', get: (size) => size.memoryBytes },
  { title: 'DISK', as: 'bytes', get: (size) => size.diskBytes },
  { title: 'PROCESSES', as: 'number', get: (size) => size.processes },
]

const listers: { readonly [K in Kind]: (context: Context) => Promise<Listed> } = {
  async pool({ client }) {
    const records = items(await client.request('listPools'))
    return { records, columns: records.some(({ reason }) => reason !== undefined) ? [...pools, poolReason] : pools }
  },
  async network({ client }) {
    const records = items(await client.request('listNetworks'))
    return { records, columns: records.some(({ kind }) => kind === 'vlan') ? [...networks, ...vlans] : networks }
  },
  size: async ({ client }) => ({ records: items(await client.request('listSizes')), columns: sizes }),
}

export const listKind = (context: Context, kind: Kind): Promise<Listed> => listers[kind](context)
