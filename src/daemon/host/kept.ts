/**
 * The plan that this host was last given, kept in a file of its own: with it guests come back while the store cannot be
 * opened (docs/design/kept-plan.md). Written after changes, at most every half second, and at the end of the daemon.
 */
import { readFile } from 'node:fs/promises'
import { CroftError } from '../../api/errors.ts'
import type { GuestStatus } from '../../api/guest.ts'
import type { Storage } from '../../drivers/storage/driver.ts'
import type { Batch, Store, Write } from '../../store/store.ts'
import { isEdges, type PortRecord } from '../records/edge-ports.ts'
import { keys } from '../records/keys.ts'
import type { NetworkRecord } from '../records/networks.ts'
import {
  type BlocksRecord,
  type FarmRecord,
  type GuestRecord,
  type HostRecord,
  type PoolRecord,
  readAll,
  schemaVersion,
} from '../records/records.ts'
import { replaceFile } from '../replace-file.ts'
import type { HostParts } from './parts.ts'

export interface KeptPlan {
  readonly schema: number
  readonly farm: FarmRecord
  readonly host: HostRecord
  readonly pools: readonly PoolRecord[]
  readonly guests: readonly GuestRecord[]
  readonly statuses: Readonly<Record<number, GuestStatus>>
  /** TCP ports where the edge listens: it serves on, and guests reach it. Absent in plans of older daemons. */
  readonly edgePorts?: readonly number[]
  /** Of a farm of several hosts: the way to the others, and whom names and rules mean there. */
  readonly others?: {
    readonly hosts: readonly HostRecord[]
    readonly blocks: BlocksRecord | undefined
    readonly guests: readonly GuestRecord[]
  }
  /** Of the site. */
  readonly networks?: readonly NetworkRecord[]
}

export interface Keeper {
  /** What is so now, also when the store has closed meanwhile. */
  plan(): KeptPlan
  /** Writes it once more. */
  close(): Promise<void>
}

const restMs = 500
const againMs = 1000
/** A full disk is not empty a moment later. */
const lateMs = 10_000

type Source = Pick<HostParts, 'store' | 'farm' | 'host' | 'env' | 'log'>

export function keepPlan(source: Source, file: string): Keeper {
  const { store, host, env, log } = source
  const records = new Map<string, unknown>()
  const closing = new AbortController()
  let timer: Disposable | undefined
  let writing = Promise.resolve()
  let last = ''

  function write(): Promise<void> {
    writing = writing
      .then(async () => {
        const text = JSON.stringify(planOf(source, records))
        if (text === last) return
        await replaceFile(file, text)
        last = text
      })
      .catch((thrown) => {
        log.warn({ file, error: String(thrown) }, 'the plan is not kept; it is tried again')
        soon(lateMs)
      })
    return writing
  }

  function soon(afterMs = restMs): void {
    if (closing.signal.aborted) return
    timer ??= env.later(afterMs, () => {
      timer = undefined
      write()
    })
  }

  /** Of guests elsewhere only what others may need: a farm has many. */
  function keep(key: string, value: unknown): void {
    const far = key.startsWith(keys.allGuests) && !key.startsWith(keys.guests(host.name))
    records.set(key, far ? briefly(value as GuestRecord) : value)
  }

  function take({ changes }: Batch): void {
    for (const change of changes) {
      if (change.kind === 'put') keep(change.key, change.value)
      else records.delete(change.key)
    }
    soon()
  }

  /** Followed before it is read: a change meanwhile is seen twice rather than never. */
  async function follow(prefix: string): Promise<void> {
    try {
      const batches = store.watch(prefix, { signal: closing.signal })
      const found = await readAll(store, prefix)
      for (const key of records.keys()) if (key.startsWith(prefix)) records.delete(key)
      for (const { key, value } of found) keep(key, value)
      soon()
      for await (const batch of batches) take(batch)
    } catch (thrown) {
      if (closing.signal.aborted) return
      log.warn({ prefix, error: String(thrown) }, 'the plan is kept as it is until the store answers')
      env.later(againMs, () => {
        if (!closing.signal.aborted) follow(prefix)
      })
    }
  }

  for (const prefix of [keys.guestStatuses, keys.pools, keys.ports]) follow(prefix(host.name))
  for (const prefix of [keys.allGuests, keys.hosts, keys.blocks, keys.networks]) follow(prefix)
  return {
    plan: () => planOf(source, records),
    async close() {
      closing.abort()
      timer?.[Symbol.dispose]()
      await write()
    },
  }
}

function planOf({ farm, host }: Source, records: ReadonlyMap<string, unknown>): KeptPlan {
  const below = (prefix: string) => [...records].filter(([key]) => key.startsWith(prefix))
  const networks = below(keys.networks).map(([, value]) => value as NetworkRecord)
  const statuses = below(keys.guestStatuses(host.name)).map(([key, value]) => [Number(key.split('/').at(-1)), value])
  return {
    schema: schemaVersion,
    ...{ farm, host },
    pools: below(keys.pools(host.name)).map(([, value]) => value as PoolRecord),
    guests: below(keys.guests(host.name)).map(([, value]) => value as GuestRecord),
    statuses: Object.fromEntries(statuses),
    edgePorts: below(keys.ports(host.name))
      .filter(([, value]) => isEdges(value as PortRecord))
      .map(([key]) => Number(key.split('/').at(-1))),
    ...othersIn(records, host),
    ...(networks.length === 0 ? {} : { networks }),
  }
}

function othersIn(records: ReadonlyMap<string, unknown>, host: HostRecord): Pick<KeptPlan, 'others'> {
  const below = <T>(prefix: string) =>
    [...records].flatMap(([key, value]) => (key.startsWith(prefix) ? [value as T] : []))
  const hosts = below<HostRecord>(keys.hosts)
  if (hosts.length < 2) return {}
  const guests = below<GuestRecord>(keys.allGuests).filter((guest) => guest.host !== host.name)
  return { others: { hosts, blocks: records.get(keys.blocks) as BlocksRecord | undefined, guests } }
}

const briefly = (guest: GuestRecord): GuestRecord => ({ ...guest, spec: { ...guest.spec, rules: [], ports: [] } })

/** Undefined when there is none that can be used. */
export async function findKept(file: string): Promise<KeptPlan | undefined> {
  try {
    const kept = JSON.parse(await readFile(file, 'utf8')) as KeptPlan
    return kept.schema === schemaVersion && kept.farm?.id !== undefined ? kept : undefined
  } catch {
    return undefined
  }
}

/** Whether by the plan in that file a guest is not started. */
export async function keepsQuiet(file: string, number: number): Promise<boolean> {
  const guest = (await findKept(file))?.guests.find((each) => each.number === number)
  return guest === undefined || guest.moving?.quiet === true
}

/** Guests on their way out are left as they are, and a restart that was asked for waits. */
export async function loadKept(store: Store, kept: KeptPlan): Promise<void> {
  const { farm, host, pools, guests, statuses, edgePorts = [], others, networks = [] } = kept
  const writes: Write[] = [
    { put: keys.farm, value: farm },
    { put: keys.host(host.name), value: host },
    ...(others?.hosts ?? []).map((other): Write => ({ put: keys.host(other.name), value: other })),
    ...(others?.blocks ? [{ put: keys.blocks, value: others.blocks }] : []),
    ...(others?.guests ?? []).map((guest): Write => ({ put: keys.guest(guest.host, guest.number), value: guest })),
    ...edgePorts.map((port): Write => ({ put: keys.port(host.name, 'tcp', port), value: { edge: true } })),
    ...networks.map((network): Write => ({ put: keys.network(network.name), value: network })),
    ...pools.map((pool): Write => ({ put: keys.pool(host.name, pool.name), value: pool })),
  ]
  for (const guest of guests) {
    // What goes on without the store is not known: it may run on another host already.
    if (guest.deleting || guest.moving?.quiet) continue
    const status = statuses[guest.number]
    writes.push({ put: keys.guest(host.name, guest.number), value: guest })
    if (status === undefined) continue
    const settled: GuestStatus = { ...status, restarts: guest.spec.restarts }
    writes.push({ put: keys.guestStatus(host.name, guest.number), value: settled })
  }
  for (const write of writes) await store.transact([], [write])
}

/** The last wish may be newer than the kept plan: a guest that runs is not stopped by it. */
export async function spareLive({ store, host, runtime }: HostParts): Promise<void> {
  for (const { number, state } of await runtime.list()) {
    if (state === 'stopped') continue
    const key = keys.guest(host.name, number)
    const { entry } = await store.get(key)
    const guest = entry?.value as GuestRecord | undefined
    if (guest?.spec.run !== 'stopped') continue
    await store.transact([], [{ put: key, value: { ...guest, spec: { ...guest.spec, run: 'running' } } }])
  }
}

/** Disks as they are: what must be made or removed waits for the store. */
export function readOnlyDisks(storage: Storage): Storage {
  const refuse = async (): Promise<never> => {
    throw new CroftError('REFUSED', 'its disk must be changed first, and that waits for the store', {
      hint: 'croft doctor',
    })
  }
  return {
    ...storage,
    inventory: async () => ({ ...(await storage.inventory()), staging: [] }),
    async writeManifest() {},
    ...{ destroy: refuse, create: refuse, clone: refuse, receive: refuse, remove: refuse, limit: refuse },
  }
}
