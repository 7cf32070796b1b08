/** Whom the doctor examines: this host, its store when this process holds it, its farm when it has one. */
import type { CroftError } from '../../api/errors.ts'
import type { Runner } from '../../drivers/exec/command.ts'
import type { Store } from '../../store/store.ts'
import type { OpenFarm } from '../daemon.ts'
import type { Env } from '../env.ts'
import type { Outside } from '../http/outside.ts'
import type { Settings } from '../settings.ts'

export interface Patient {
  readonly run: Runner
  readonly settings: Settings
  readonly env: Env
  readonly store: Store | undefined
  readonly open: OpenFarm | undefined
  readonly outside?: Pick<Outside, 'door' | 'certificates'>
  /** Why the store cannot be opened. */
  readonly away?: CroftError
}
