/** All sessions of this daemon: how many there may be, and that nobody goes on whose token has ended. */
import type { Duplex } from 'node:stream'
import { CroftError, isCode } from '../../api/errors.ts'
import type { SessionStart } from '../../api/frames.ts'
import { SessionStart as SessionStartSchema } from '../../api/session.ts'
import { startAttached } from '../../drivers/exec/attached.ts'
import type { Command } from '../../drivers/exec/command.ts'
import type { Store } from '../../store/store.ts'
import type { Env } from '../env.ts'
import type { Log } from '../host/parts.ts'
import type { Caller } from '../http/access.ts'
import { keys } from '../records/keys.ts'
import { read, type TokenRecord } from '../records/records.ts'
import { isExpired } from '../records/tokens.ts'
import { runSession, type Session } from './session.ts'

export const sessionLimits = { all: 200, ofOneCaller: 40 } as const
const lookEveryMs = 5000

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
  token?: TokenRecord | undefined
}

export function createSessions(parts: { readonly env: Env; readonly log: Log; readonly store: () => Store }): Sessions {
  const { env, log } = parts
  const open = new Set<Held>()
  let timer: Disposable | undefined
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
        return startAttached(await enter(what), { terminal }, listener)
      },
    })
    const held: Held = { caller, session }
    open.add(held)
    session.closed.then(() => {
      open.delete(held)
      log.info({ by: caller.name, guest }, 'a session has ended')
    })
    if (closing) session.end(stopping())
    else if (caller.token !== undefined) void look().finally(lookLater)
  }

  function lookLater(): void {
    timer ??= env.later(lookEveryMs, () => {
      timer = undefined
      void look().finally(() => open.size > 0 && lookLater())
    })
  }

  async function look(): Promise<void> {
    await Promise.all([...open].map(lookAt))
  }

  async function lookAt(held: Held): Promise<void> {
    const { caller, session } = held
    if (caller.token === undefined) return
    try {
      const record = (await read<TokenRecord>(parts.store(), keys.token(caller.token)))?.value
      held.token ??= record
      if (!record || record.hash !== held.token?.hash) session.end(ended('was removed'))
    } catch (thrown) {
      if (!isCode(thrown, 'STORE_CLOSED')) log.error({ error: String(thrown) }, 'a token was not looked at')
    }
    if (held.token && isExpired(held.token, env.now())) session.end(ended(`ended at ${held.token.expires}`))
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
      timer?.[Symbol.dispose]()
      const all = [...open]
      for (const { session } of all) session.end(stopping())
      await Promise.all(all.map(({ session }) => session.closed))
    },
  }
}

const ended = (how: string): CroftError => new CroftError('UNAUTHENTICATED', `your token ${how}: the session is over`)

const stopping = (): CroftError =>
  new CroftError('CANCELLED', 'the daemon stops: the session is over, the guest runs on', { hint: 'say it again' })
