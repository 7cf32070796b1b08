/**
 * The daemon works by its store. While that cannot be opened, it works by the plan that it kept, and looks every few
 * seconds whether the store is back. Nobody has to tell it.
 *
 *     start ─── the store opens ──────────────► by the store ◄──────────────┐
 *       │                                            │ it closed by itself  │ it opens again
 *       └── it does not, and a plan was kept ──► by the kept plan ──────────┘
 */
import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { CroftError, isCode, toCroftError } from '../api/errors.ts'
import { createMemoryStore } from '../store/memory/index.ts'
import type { Store } from '../store/store.ts'
import type { OpenFarm, StoreAway } from './daemon.ts'
import type { Env } from './env.ts'
import type { Hooks } from './hooks/hooks.ts'
import { findKept, type Keeper, type KeptPlan, keepPlan, loadKept, spareLive } from './host/kept.ts'
import type { Log } from './host/parts.ts'
import { startHousekeeping } from './housekeeping.ts'
import { Operations } from './operations/operations.ts'
import { keys } from './records/keys.ts'
import { assertReadable, type FarmRecord, read } from './records/records.ts'
import { type GatedStore, gateStore } from './store-move/gate.ts'
import { markerFileOf } from './store-move/place.ts'

export interface Phase {
  readonly store: GatedStore
  readonly operations: Operations
  readonly farm: OpenFarm | undefined
  /** Why the store is away; undefined while it is there. */
  readonly away: CroftError | undefined
}

export const awayOf = ({ away, farm }: Phase, stateDir: string): StoreAway | undefined =>
  away && { why: away, farm: farm?.parts, kind: existsSync(markerFileOf(stateDir)) ? 'etcd' : 'sqlite' }

export interface PhaseParts {
  readonly env: Env
  readonly log: Log
  readonly keptFile: string
  readonly openStore: () => Promise<Store>
  readonly openFarm: (on: FarmBasis) => Promise<OpenFarm | undefined>
  readonly startHooks: (farm: OpenFarm) => Promise<Hooks>
  /** After it was away. */
  readonly onStoreBack: () => Promise<void>
}

export interface FarmBasis {
  readonly store: Store
  readonly operations: Operations
  readonly disks: 'change' | 'read-only'
}

export interface Phases {
  now(): Phase
  /** After `init`: the store has a farm now. */
  reopenFarm(): Promise<void>
  /** Holds the store and hands it over; then all begins anew by where it is then. A failure leaves it as it was. */
  moveStore(move: (from: Store) => Promise<void>): Promise<void>
  /** All begins anew by the store as it is to be opened now. */
  reopenStore(): Promise<void>
  /** All begins anew on a host that has left its farm: with it goes the plan that was kept. */
  forgetFarm(): Promise<void>
  close(): Promise<void>
}

const lookMs = 2000

export async function createPhases(parts: PhaseParts): Promise<Phases> {
  const { env, log, keptFile } = parts
  let keeper: Keeper | undefined
  let housekeeping: Disposable | undefined
  let hooks: Hooks | undefined
  let timer: Disposable | undefined
  let turn: Promise<unknown> = Promise.resolve()
  let closed = false
  /** The plan of guests that no loop looks after. */
  let unsupervised: KeptPlan | undefined
  let phase = await start()

  async function start(): Promise<Phase> {
    try {
      return await byStore()
    } catch (thrown) {
      const kept = await findKept(keptFile)
      if (!kept) throw thrown
      return byKeptPlan(kept, toCroftError(thrown))
    }
  }

  /** Nothing of the old phase is touched before the new one is whole. */
  async function byStore(): Promise<Phase> {
    const store = gateStore(await parts.openStore())
    // Read after that: with a farm that this host has left its plan went too.
    const kept = await findKept(keptFile)
    try {
      await assertReadable(store)
      await assertSameFarm(store, kept)
      const operations = new Operations(store, env)
      const farm = await parts.openFarm({ store, operations, disks: 'change' })
      return { store, operations, farm, away: undefined }
    } catch (thrown) {
      await store.close()
      throw thrown
    }
  }

  async function byKeptPlan(kept: KeptPlan, why: CroftError): Promise<Phase> {
    log.error({ code: why.code, error: why.message }, 'the store is away; guests run by the plan that was kept')
    const store = gateStore(createMemoryStore({ now: () => env.monotonicMs(), id: env.uuid() }))
    await loadKept(store, kept)
    const operations = new Operations(store, env)
    const farm = await parts.openFarm({ store, operations, disks: 'read-only' })
    if (farm) await spareLive(farm.parts)
    return { store, operations, farm, away: why }
  }

  async function begin(): Promise<void> {
    const { farm, away, operations } = phase
    if (farm && !away) keeper ??= keepPlan(farm.parts, keptFile)
    if (farm && !away) hooks ??= await parts.startHooks(farm)
    await farm?.loop.begin()
    if (!farm || away) return
    const { leader, loops } = farm
    await leader.follow({
      async begin() {
        housekeeping ??= startHousekeeping({ env, store: leader.store, operations, log })
        await loops.begin()
      },
      async end() {
        housekeeping?.[Symbol.dispose]()
        housekeeping = undefined
        await loops.end()
      },
    })
  }

  async function leave(): Promise<void> {
    const { farm, store } = phase
    await hooks?.close()
    hooks = undefined
    await farm?.members?.close()
    await farm?.leader.close()
    await farm?.loop.close()
    await farm?.certificates.close()
    await farm?.others?.close()
    await keeper?.close()
    keeper = undefined
    phase.operations.leave()
    await store.close()
  }

  async function look(): Promise<void> {
    if (phase.away) await lookForStore()
    else await lookAtStore()
  }

  async function lookForStore(): Promise<void> {
    const next = await byStore().catch((thrown) => {
      phase = { ...phase, away: toCroftError(thrown) }
      return undefined
    })
    if (!next) return superviseByKept()
    log.info({}, 'the store is back')
    await changeTo(next)
  }

  async function changeTo(next: Phase): Promise<void> {
    await leave()
    unsupervised = undefined
    phase = next
    await begin()
    await parts.onStoreBack()
  }

  /** What could not be opened at the first try, with the machine short of something, is tried again. */
  async function superviseByKept(): Promise<void> {
    if (!unsupervised || !phase.away) return
    phase = await byKeptPlan(unsupervised, phase.away)
    unsupervised = undefined
    await begin()
  }

  async function lookAtStore(): Promise<void> {
    const failure = await phase.store.get(keys.farm).then(
      () => undefined,
      (thrown) => toCroftError(thrown),
    )
    if (failure && isCode(failure, 'STORE_CLOSED')) await loseStore(failure)
  }

  async function loseStore(failure: CroftError): Promise<void> {
    const kept = keeper?.plan()
    phase = { ...phase, away: failure }
    // Whoever still asks it is refused at once, so that all who are to end end soon.
    await phase.store.close()
    await leave()
    unsupervised = kept
    await superviseByKept()
  }

  /** By where it is now; where that cannot be opened it is away, and looked for. */
  async function reopenStore(): Promise<void> {
    const next = await byStore().catch(toCroftError)
    if (!(next instanceof CroftError)) return changeTo(next)
    await loseStore(next)
    throw next
  }

  async function forgetFarm(): Promise<void> {
    await leave()
    await rm(keptFile, { force: true })
    try {
      phase = await byStore()
    } catch (thrown) {
      phase = { ...phase, farm: undefined, away: toCroftError(thrown) }
      throw thrown
    }
    await begin()
  }

  async function moveStore(move: (from: Store) => Promise<void>): Promise<void> {
    const { store, away } = phase
    if (away) throw away
    store.hold()
    try {
      await move(store.inner)
    } catch (thrown) {
      // Once the store says that it was left, there is no way back to it.
      if ((await read(store.inner, keys.moved)) === undefined) {
        store.release()
        throw thrown
      }
    }
    await reopenStore()
  }

  /** One after another: two would open and close each other's store. */
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = turn.then(work)
    turn = mine.catch(() => undefined)
    return mine
  }

  function lookLater(): void {
    timer = env.later(lookMs, () => {
      inTurn(look)
        .catch((thrown) => log.error({ error: String(thrown) }, 'looking at the store failed'))
        .finally(() => {
          if (!closed) lookLater()
        })
    })
  }

  await begin()
  lookLater()
  return {
    now: () => phase,
    moveStore: (move) => inTurn(() => moveStore(move)),
    reopenStore: () => inTurn(reopenStore),
    forgetFarm: () => inTurn(forgetFarm),
    async reopenFarm() {
      const { store, operations } = phase
      phase = { ...phase, farm: await parts.openFarm({ store, operations, disks: 'change' }) }
      await begin()
    },
    async close() {
      closed = true
      timer?.[Symbol.dispose]()
      await turn
      await leave()
    },
  }
}

/** A store without our farm, or with another one, was put there by mistake: nothing of ours is to be judged by it. */
async function assertSameFarm(store: Store, kept: KeptPlan | undefined): Promise<void> {
  if (!kept) return
  const { entry } = await store.get(keys.farm)
  const found = entry?.value as FarmRecord | undefined
  if (found?.id === kept.farm.id) return
  const what = found ? `another farm, "${found.name}"` : 'no farm'
  throw new CroftError('DATA_LOST', `the store holds ${what}; this host runs guests of farm "${kept.farm.name}"`, {
    hint: 'put the store of this farm back',
  })
}
