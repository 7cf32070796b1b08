/** That the farm goes over to another CA: one record, and no key of any CA in it. */
import type { Exchange } from '../../plan/exchange.ts'
import type { Store } from '../../store/store.ts'
import { keys } from '../records/keys.ts'
import { type Held, type HostRecord, read, readAll } from '../records/records.ts'

export interface ExchangeRecord extends Exchange {
  readonly schema: number
  /** Fingerprints of the new ones: of the farm, and of its store. */
  readonly ca: string
  readonly storeCa: string
}

export interface ExchangeNow {
  readonly held: Held<ExchangeRecord>
  /** Hosts that count. */
  readonly living: readonly string[]
}

export async function findExchange(store: Store): Promise<ExchangeNow | undefined> {
  const held = await read<ExchangeRecord>(store, keys.exchange)
  return held && { held, living: await livingHosts(store) }
}

export async function livingHosts(store: Store): Promise<string[]> {
  const hosts = (await readAll<HostRecord>(store, keys.hosts)).map(({ value }) => value)
  return hosts.filter(({ dead }) => dead === undefined).map(({ name }) => name)
}
