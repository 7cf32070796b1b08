/**
 * The step before traffic, as a unit of the first new instance: whoever starts it while it runs waits for the same run, and one that
 * has ended well is not run again. So a daemon that dies meanwhile changes nothing.
 */
import { toCroftError } from '../../api/errors.ts'
import { beforeUnit } from '../../plan/units/before.ts'
import { type Daemon, getFarm } from '../daemon.ts'
import { linesOfUnit } from './instance-lines.ts'
import type { RolloutNow } from './rollout-acts.ts'

export type BeforeEnd =
  | { readonly ok: true; readonly seconds: number }
  | { readonly ok: false; readonly reason: string; readonly lines: readonly string[] }

export interface Before {
  /** Begins it, or tells how it ended; undefined while it runs: then the site is nudged at its end. */
  run(now: RolloutNow, member: string): BeforeEnd | undefined
}

/** Of the service manager of an instance that was started a moment ago. */
const bootMs = 60_000
const bootEveryMs = 200

interface Running {
  readonly id: string
  end: BeforeEnd | undefined
  readonly over: AbortController
}

export function createBefore(
  daemon: Daemon,
  { nudge, signal }: { readonly nudge: (site: string) => void; readonly signal: AbortSignal },
): Before {
  const running = new Map<string, Running>()

  async function run(number: number, command: string, timeoutMs: number, over: AbortSignal): Promise<BeforeEnd> {
    const { env } = daemon
    const { inside } = getFarm(daemon).parts
    const began = env.monotonicMs()
    const ask = (words: readonly string[], ms: number) =>
      inside.run(number, words, { signal: over, timeoutMs: ms, maxBytes: 1024 ** 2 })
    while ((await ask(['systemctl', 'show', '--property=Version'], 10_000)).code !== 0) {
      if (env.monotonicMs() - began > bootMs)
        return { ok: false, reason: 'its service manager does not answer', lines: [] }
      await new Promise<void>((go) => env.later(bootEveryMs, go))
    }
    const { code } = await ask(['systemctl', 'start', beforeUnit], timeoutMs + 10_000)
    const seconds = Math.round((env.monotonicMs() - began) / 100) / 10
    if (code === 0) return { ok: true, seconds }
    const lines = await linesOfUnit(inside, number, { unit: beforeUnit, signal: over })
    return { ok: false, reason: `before failed: ${command}`, lines }
  }

  return {
    run(now, member) {
      const rollout = now.rollout.value
      const known = running.get(now.name)
      if (known?.id === rollout.id) {
        if (known.end) running.delete(now.name)
        return known.end
      }
      known?.over.abort(new Error('another rollout came'))
      const { command = '', timeoutSeconds = 0 } = rollout.config.before ?? {}
      const number = now.members?.value.members.find(({ name }) => name === member)?.number ?? 0
      const one: Running = { id: rollout.id, end: undefined, over: new AbortController() }
      running.set(now.name, one)
      const over = AbortSignal.any([signal, one.over.signal])
      run(number, command, timeoutSeconds * 1000, over)
        .catch(
          (thrown): BeforeEnd => ({
            ok: false,
            reason: `before failed: ${command}: ${toCroftError(thrown).message}`,
            lines: [],
          }),
        )
        .then((end) => {
          one.end = end
          if (!signal.aborted) nudge(now.name)
        })
      return undefined
    },
  }
}
