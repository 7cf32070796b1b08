/** Runs one hook for one event, and remembers in its record when it begins or ceases to fail. */
import { join } from 'node:path'
import { toCroftError } from '../../api/errors.ts'
import type { FarmEvent } from '../../api/events.ts'
import type { Runner } from '../../drivers/exec/command.ts'
import { commandFailed } from '../../drivers/exec/runner.ts'
import type { HookState } from '../../plan/events.ts'
import type { Store } from '../../store/store.ts'
import { type Env, timestamp } from '../env.ts'
import type { Log } from '../host/parts.ts'
import { keys } from '../records/keys.ts'
import { read } from '../records/records.ts'
import type { HooksFound } from './folder.ts'
import { isWanted } from './head.ts'

export interface HookParts {
  readonly env: Env
  readonly store: Store
  readonly log: Log
  readonly run: Runner
  readonly host: string
  readonly folder: string
  readonly find: (folder: string, only?: string) => Promise<HooksFound>
  /** Of several hosts one tells. */
  readonly leads: () => boolean
  /** Where cursors are kept. */
  readonly cursorFile: string
}

const timeoutMs = 30_000

/** Whatever it does, the event counts as told. Throws only what the signal aborted. */
export async function tellHookOf(parts: HookParts, name: string, event: FarmEvent, signal: AbortSignal): Promise<void> {
  const what = `${event.kind}.${event.event}`
  const command = {
    file: join(parts.folder, name),
    args: [what],
    stdin: `${JSON.stringify(event)}\n`,
    timeoutMs,
  }
  // It may have been replaced since it was found.
  const [hook] = (await parts.find(parts.folder, name)).hooks
  if (!hook || !isWanted(hook, what)) return
  let reason: string | undefined
  try {
    const outcome = await parts.run.outcome(command, { signal })
    if (outcome.code !== 0) reason = commandFailed({ ...command, file: name }, outcome).message
  } catch (thrown) {
    if (signal.aborted) throw thrown
    reason = toCroftError(thrown).message
  }
  if (reason !== undefined) parts.log.warn({ hook: name, event: what, cursor: event.cursor, reason }, 'a hook failed')
  await rememberHook(parts, name, { event: what, ...(reason === undefined ? {} : { reason }) })
}

/** Written when it changes: not each time that it works, nor each time that it does not. */
export async function rememberHook(
  { env, store, host }: Pick<HookParts, 'env' | 'store' | 'host'>,
  name: string,
  found: Pick<HookState, 'event' | 'reason'>,
): Promise<void> {
  const key = keys.hook(host, name)
  const known = (await read<HookState>(store, key))?.value.state ?? 'ok'
  const state = found.reason === undefined ? 'ok' : 'failed'
  if (known === state) return
  const value: HookState = { state, at: timestamp(env), ...found }
  await store.transact([], [{ put: key, value }])
}
