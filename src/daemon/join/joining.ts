/** Both sides of a host's coming into the farm. Loaded when one comes. */

import type { z } from 'zod'
import type { Admission, NewHost, NewJoin } from '../../api/join.ts'
import type { PlannedStep } from '../../api/resources.ts'

export type JoinAsked = z.output<typeof NewJoin>
export type HostAsked = z.output<typeof NewHost>

export interface Joined {
  readonly farm: string
  readonly host: string
  readonly lines: readonly string[]
}

export interface Joining {
  /** On the inviting host: binds the invitation to the host that shows it, moves the store when it is a file, and hands over. */
  admit(invitation: string, host: HostAsked, from: string | null): Promise<Admission>
  /** On the joining host. Said again after a failure or a kill it goes on. */
  join(asked: JoinAsked, by: string): Promise<Joined>
  /** Takes this host out of the farm; afterwards it is one without a farm. */
  leave(by: string, reason: string | undefined): Promise<void>
  plan(asked: JoinAsked): Promise<readonly PlannedStep[]>
}
