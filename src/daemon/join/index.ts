/** Both sides of a host's coming into the farm, joined to the parts of this daemon. Loaded when one comes. */
import { admitHost } from './admit.ts'
import { joinFarm, planJoin } from './join.ts'
import type { Joining } from './joining.ts'
import { leaveFarm } from './leave.ts'
import type { JoiningParts } from './parts.ts'

/** One at a time: two would write the same files. */
export function createJoining(parts: JoiningParts): Joining {
  let turn: Promise<unknown> = Promise.resolve()
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = turn.then(work)
    turn = mine.catch(() => undefined)
    return mine
  }
  return {
    admit: (invitation, host, from) => inTurn(() => admitHost(parts, invitation, host, from)),
    join: (asked, by) => inTurn(() => joinFarm(parts, asked, by)),
    leave: (by, reason) => inTurn(() => leaveFarm(parts, by, reason)),
    plan: (asked) => planJoin(parts, asked),
  }
}
