/**
 * One host walks the loops of the farm: whose key `leader` lies under its lease. With a store of one host that is this one,
 * at once and for ever. Who leads writes by `store` alone: each transaction compares that this host still leads, so what a
 * host that was asleep begins then is not written.
 */
import { CroftError, isCode, toCroftError } from '../../api/errors.ts'
import type { Store } from '../../store/store.ts'
import type { Log } from '../host/parts.ts'
import { keys } from '../records/keys.ts'
import { read } from '../records/records.ts'
import type { LeaderLease } from './leader-lease.ts'

export interface LeaderRecord {
  readonly host: string
}

export interface Reign {
  readonly begin: () => Promise<void>
  readonly end: () => Promise<void>
}

export interface Leader {
  /** As far as it is known here. */
  host(): string | undefined
  isHere(): boolean
  readonly store: Store
  /** `begin` when this host leads, `end` when it does no longer: each in its turn, until `close`. */
  follow(reign: Reign): Promise<void>
  close(): Promise<void>
}

/** A store that one host has. */
export function onlyLeader(store: Store, own: string): Leader {
  let reign: Reign | undefined
  return {
    host: () => own,
    isHere: () => true,
    store,
    async follow(given) {
      reign = given
      await reign.begin()
    },
    close: async () => reign?.end(),
  }
}

export interface LeaderParts {
  readonly store: Store
  readonly log: Log
  readonly own: string
  readonly lease: LeaderLease
  /** As the store last said. */
  readonly known: { get(): LeaderRecord | undefined; onChange(listener: () => void): void }
}

export function electedLeader({ store, log, own, lease, known }: LeaderParts): Leader {
  let reign: Reign | undefined
  /** The key `leader`, as this daemon has put it. */
  let mine: { readonly lease: string; readonly revision: number } | undefined
  let reigning = false
  let closed = false
  let turn: Promise<void> = Promise.resolve()

  const look = () => {
    turn = turn.then(step).catch((thrown) => {
      log.warn({ error: toCroftError(thrown).message }, 'who leads the farm cannot be told')
    })
    return turn
  }

  async function step(): Promise<void> {
    if (closed || !reign) return
    const leads = await take()
    if (leads === reigning) return
    reigning = leads
    log.info({ leads }, leads ? 'this host leads the farm' : 'this host leads the farm no longer')
    await (leads ? reign.begin() : reign.end())
  }

  /** Whether the key is ours: still, or free to take. One of the daemon before this one, of this host, is as good as free. */
  async function take(): Promise<boolean> {
    const under = lease.id()
    if (under === undefined || under !== mine?.lease) mine = undefined
    if (under === undefined) return false
    const found = await read<LeaderRecord>(store, keys.leader)
    if (found && found.revision === mine?.revision) return true
    mine = undefined
    if (found && found.value.host !== own) return false
    const value: LeaderRecord = { host: own }
    const compare = [{ key: keys.leader, revision: found?.revision ?? 0 }]
    try {
      const { revision } = await store.transact(compare, [{ put: keys.leader, value, lease: under }])
      mine = { lease: under, revision }
      return true
    } catch (thrown) {
      if (isCode(thrown, 'CHANGED_MEANWHILE')) return false
      throw thrown
    }
  }

  known.onChange(() => void look())
  lease.onChange(() => void look())

  async function transact(...[compare, writes]: Parameters<Store['transact']>): ReturnType<Store['transact']> {
    const key = keys.leader
    const ours = mine?.revision
    if (ours === undefined) throw deposed()
    try {
      return await store.transact([...compare, { key, revision: ours }], writes)
    } catch (thrown) {
      if (!isCode(thrown, 'CHANGED_MEANWHILE')) throw thrown
      if ((await store.get(key)).entry?.revision === ours) throw thrown
      void look()
      throw deposed()
    }
  }

  return {
    host: () => known.get()?.host,
    isHere: () => reigning,
    // The store's own methods, whatever it is made of.
    store: new Proxy(store, {
      get: (of, name) => {
        if (name === 'transact') return transact
        const found = Reflect.get(of, name)
        return typeof found === 'function' ? found.bind(of) : found
      },
    }),
    async follow(given) {
      reign = given
      await look()
    },
    async close() {
      closed = true
      await turn
      if (reigning) await reign?.end()
      reigning = false
      mine = undefined
    },
  }
}

const deposed = (): CroftError =>
  new CroftError('CANCELLED', 'another host leads the farm now: it goes on with this', { hint: 'croft host ls' })
