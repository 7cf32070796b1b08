/**
 * Tells executables in a folder what happens: one process for each event and hook, the event's name as argument, its JSON
 * on stdin. Each hook has a cursor of its own, kept in a file: a slow one hinders no other, what waits waits in the store,
 * and after a crash it is told again rather than not at all. Nothing of the daemon waits for a hook.
 */
import { readFile, rename, writeFile } from 'node:fs/promises'
import { isCode, toCroftError } from '../../api/errors.ts'
import { type Followed, followEvents } from '../events/follow.ts'
import { createTurns } from '../host/turns.ts'
import { type HookParts, rememberHook, tellHookOf } from './tell.ts'

export interface Hooks {
  /** Hooks at work are killed, and told again at the next start. */
  close(): Promise<void>
}

const atOnce = 4
const againMs = 1000
const saveMs = 200
/** Another host leads by then, if the one that did has died. */
const untoldMs = 30_000
/** Where new hooks were looked for has a cursor too. */
const discovery = ''

export async function startHooks(parts: HookParts): Promise<Hooks> {
  const { env, log } = parts
  const cursors = await loadCursors(parts.cursorFile)
  const closing = new AbortController()
  const turns = createTurns(atOnce, env)
  const serving = new Map<string, AbortController>()
  const loops = new Set<Promise<void>>()
  let saving: Promise<void> = Promise.resolve()
  let timer: Disposable | undefined

  function save(): Promise<void> {
    timer?.[Symbol.dispose]()
    timer = undefined
    saving = saving
      .then(() => saveCursors(parts.cursorFile, cursors))
      .catch((thrown) => log.warn({ error: String(thrown) }, 'the cursors of hooks are not kept'))
    return saving
  }

  /** Follows from the kept cursor until the signal. `onLine` is given where the stream was before. */
  async function attend(
    name: string,
    signal: AbortSignal,
    onLine: (one: Followed, before: string) => Promise<void>,
  ): Promise<void> {
    while (!signal.aborted) {
      try {
        for await (const one of followEvents(parts, { from: cursors.get(name), signal })) {
          await onLine(one, cursors.get(name) ?? one.cursor)
          cursors.set(name, one.cursor)
          timer ??= env.later(saveMs, save)
        }
      } catch (thrown) {
        if (signal.aborted) return
        await recover(name, thrown)
      }
    }
  }

  async function recover(name: string, thrown: unknown): Promise<void> {
    const error = toCroftError(thrown)
    log.warn({ hook: name, code: error.code, error: error.message }, 'a hook cannot be told what happens')
    if (isCode(thrown, 'COMPACTED')) {
      cursors.delete(name)
      const reason = `events were lost: ${error.message}`
      if (name !== discovery) await rememberHook(parts, name, { event: 'none', reason }).catch(() => {})
    }
    const { promise, resolve } = Promise.withResolvers<void>()
    using _ = env.later(againMs, resolve)
    closing.signal.addEventListener('abort', resolve as () => void, { once: true })
    await promise
    closing.signal.removeEventListener('abort', resolve as () => void)
  }

  /** A hook that was put there before an event is told of it. */
  async function discover(_: Followed, before: string): Promise<void> {
    const hooks = (await parts.find(parts.folder)).hooks.map(({ name }) => name)
    for (const [name, served] of serving) if (!hooks.includes(name)) served.abort()
    for (const name of cursors.keys()) if (name !== discovery && !hooks.includes(name)) cursors.delete(name)
    for (const name of hooks) if (!serving.has(name)) serve(name, before)
  }

  function serve(name: string, from: string): void {
    const served = new AbortController()
    const signal = AbortSignal.any([closing.signal, served.signal])
    serving.set(name, served)
    if (!cursors.has(name)) cursors.set(name, from)
    run(
      attend(name, signal, async (one) => {
        // What is told of hooks is for people: a hook that fails would hear of itself for ever.
        if (!('event' in one) || one.kind === 'hook' || !(await isTold(one.at, signal))) return
        await turns.take(() => tellHookOf(parts, name, one, signal))
      }).finally(() => serving.delete(name)),
    )
  }

  /** Here. A host that does not lead waits with each event until who leads has surely told it, for that one may die before. */
  async function isTold(at: string, signal: AbortSignal): Promise<boolean> {
    while (!parts.leads()) {
      if (signal.aborted || env.now() - Date.parse(at) > untoldMs) return false
      const { promise, resolve } = Promise.withResolvers<void>()
      using _ = env.later(againMs, resolve)
      const wake = () => resolve()
      signal.addEventListener('abort', wake, { once: true })
      await promise
      signal.removeEventListener('abort', wake)
    }
    return true
  }

  function run(loop: Promise<void>): void {
    loops.add(loop)
    loop.finally(() => loops.delete(loop))
  }

  run(attend(discovery, closing.signal, discover))
  return {
    async close() {
      closing.abort()
      await Promise.all(loops)
      await save()
    },
  }
}

async function loadCursors(file: string): Promise<Map<string, string>> {
  try {
    const kept = JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>
    return new Map(Object.entries(kept).filter((entry): entry is [string, string] => typeof entry[1] === 'string'))
  } catch {
    return new Map()
  }
}

/** Whole or not at all; one that is too old only tells events twice. */
async function saveCursors(file: string, cursors: ReadonlyMap<string, string>): Promise<void> {
  await writeFile(`${file}.new`, JSON.stringify(Object.fromEntries(cursors)), { mode: 0o600 })
  await rename(`${file}.new`, file)
}
