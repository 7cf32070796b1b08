import type { Runner } from '../../drivers/exec/command.ts'
import type { Store } from '../../store/store.ts'
import type { OpenFarm } from '../daemon.ts'
import type { Env } from '../env.ts'
import type { Failpoint } from '../host/failpoint.ts'
import type { Log } from '../host/parts.ts'
import type { Settings } from '../settings.ts'
import type { StoreMarker } from '../store-move/place.ts'

export interface JoiningParts {
  readonly env: Env
  readonly run: Runner
  readonly log: Log
  readonly settings: Settings
  readonly version: string
  readonly abilities: readonly string[]
  readonly failpoint: Failpoint
  readonly store: () => Store
  readonly open: () => OpenFarm | undefined
  /** Holds the store, hands it over, and goes on by where it is then. */
  readonly moveStore: (move: (from: Store) => Promise<void>) => Promise<void>
  /** This host is none of the farm any more: all begins anew, without a farm. */
  readonly becomeNobody: () => Promise<void>
  /** This host is one of a farm now: all begins anew, by that farm's store. */
  readonly becomeHost: (marker: StoreMarker) => Promise<void>
}
