/** All sessions of this daemon, and how many there may be. Whose token ends loses the connection, by visitors.ts. */
import type { Duplex } from 'node:stream'
import { CroftError } from '../../api/errors.ts'
import type { SessionStart } from '../../api/frames.ts'
import { SessionStart as SessionStartSchema } from '../../api/session.ts'
import { startAttached } from '../../drivers/exec/attached.ts'
import type { Command } from '../../drivers/exec/command.ts'
import type { Env } from '../env.ts'
import type { Log } from '../host/parts.ts'
import type { Caller } from '../http/access.ts'
import { runSession, type Session } from './session.ts'

export const sessionLimits = { all: 200, ofOneCaller: 40 } as const

export interface NewSession {
  readonly caller: Caller
  readonly guest: string
  readonly enter: (asked: SessionStart) => Promise<Command>
}

export interface Sessions {
  /** Throws LIMIT_REACHED. What it returns is given the connection at once. */
  admit(wanted: NewSession): (socket: Duplex) => void
  close(): Promise<void>
}

interface Held {
  readonly caller: Caller
  readonly session: Session
}

export function createSessions(parts: { readonly env: Env; readonly log: Log }): Sessions {
  const { env, log } = parts
  const open = new Set<Held>()
  let closing = false

  function begin({ caller, guest, enter }: NewSession, socket: Duplex): void {
    const session = runSession({
      env,
      socket,
      async start(asked, listener) {
        const parsed = SessionStartSchema.safeParse(asked)
        if (!parsed.success) throw new CroftError('BAD_VALUE', `start: ${parsed.error.issues[0]?.message}`)
        const { user, terminal, ...rest } = parsed.data
        const what: SessionStart = { ...rest, ...(user ? { user } : {}), ...(terminal ? { terminal } : {}) }
        log.info({ by: caller.name, guest, command: what.command }, 'a session begins')
        return startAttached(await enter(what), listener, terminal)
      },
    })
    const held: Held = { caller, session }
    open.add(held)
    session.closed.then(() => {
      open.delete(held)
      log.info({ by: caller.name, guest }, 'a session has ended')
    })
    if (closing) session.end(stopping())
  }

  return {
    admit(wanted) {
      const own = [...open].filter(({ caller }) => caller.name === wanted.caller.name).length
      if (open.size >= sessionLimits.all || own >= sessionLimits.ofOneCaller)
        throw new CroftError(
          'LIMIT_REACHED',
          `${own} sessions of ${wanted.caller.name} and ${open.size} in all are open`,
          {
            hint: 'end some of them',
          },
        )
      return (socket) => begin(wanted, socket)
    },
    async close() {
      closing = true
      const all = [...open]
      for (const { session } of all) session.end(stopping())
      await Promise.all(all.map(({ session }) => session.closed))
    },
  }
}

const stopping = (): CroftError =>
  new CroftError('CANCELLED', 'the daemon stops: the session is over, the guest runs on', { hint: 'say it again' })
