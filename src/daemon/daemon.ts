/** The parts of a running daemon, as handlers see them. `farm` is there once the host has one. */

import { CroftError } from '../api/errors.ts'
import type { Finding, MendName, NewFarm } from '../api/resources.ts'
import type { Store } from '../store/store.ts'
import type { Certificates } from './certificates/certificates.ts'
import type { Checks } from './checks/checks.ts'
import type { Env } from './env.ts'
import type { Builds } from './farm/builds.ts'
import type { Leader, Reign } from './farm/leader.ts'
import type { Rollouts } from './farm/rollouts.ts'
import type { HostLoop } from './host/loop.ts'
import type { HostParts } from './host/parts.ts'
import type { Turns } from './host/turns.ts'
import type { Outside } from './http/outside.ts'
import type { Joining } from './join/joining.ts'
import type { StoreCare } from './members/care.ts'
import type { Members } from './members/keeper.ts'
import type { Operations } from './operations/operations.ts'
import type { Others } from './peers/others.ts'
import type { Sessions } from './sessions/sessions.ts'
import type { UsageBoard } from './usage/board.ts'

export interface OpenFarm {
  readonly parts: HostParts
  readonly loop: HostLoop
  /** Whose records compare the same numbers are written one after another: side by side all but one would begin anew. */
  readonly numbering: Turns
  readonly usage: UsageBoard
  readonly certificates: Certificates
  readonly checks: Checks
  readonly builds: Builds
  readonly rollouts: Rollouts
  /** Absent where the store has one host. */
  readonly others?: Others
  /** Looks after the members of the store; there where the store can have several hosts. */
  readonly members?: Members
  readonly leader: Leader
  /** Builds, rollouts and checks: begun where this host leads. */
  readonly loops: Reign
}

/** The store cannot be opened; guests run by the plan that was kept, and `store`, `operations` and `open` throw. */
export interface StoreAway {
  /** Of the store that is away. */
  readonly kind: 'sqlite' | 'etcd'
  readonly why: CroftError
  /** The farm as it was kept. */
  readonly farm: HostParts | undefined
}

/** What it takes to write records: what handlers and the farm's loops have alike. */
export interface Daemon {
  readonly env: Env
  readonly store: Store
  readonly operations: Operations
  /** Undefined until `croft init`. */
  readonly open: () => OpenFarm | undefined
}

export interface WholeDaemon extends Daemon {
  /** Undefined also while the store is away. */
  readonly others?: () => Others | undefined
  /** Looks after the members of the store; there where the store can have several hosts. */
  readonly members?: Members
  readonly version: string
  /** Of this croft; absent: all. */
  readonly abilities?: readonly string[]
  readonly hostName: string
  readonly away?: () => StoreAway | undefined
  /** The door to the outside, and certificates. */
  readonly outside: Outside
  /** Who is inside guests, through this daemon. */
  readonly sessions: Sessions
  /** Hosts that come into the farm, or this one into another's. Loaded when one comes. */
  readonly joining: () => Promise<Joining>
  /** What people ask of the store itself. */
  readonly storeCare: () => Promise<StoreCare>
  readonly init: (farm: NewFarm, by: string) => Promise<{ readonly lines: readonly string[] }>
  readonly diagnose: () => Promise<readonly Finding[]>
  /** What it changed, one line each. */
  readonly mend: (what: MendName) => Promise<readonly string[]>
}

export function getFarm(daemon: Daemon): OpenFarm {
  const open = daemon.open()
  if (open) return open
  throw new CroftError('NOT_INITIALISED', 'this host has no farm yet', { hint: 'croft init' })
}
