/** A line that is cut says nothing of it: who waits for the other side too long takes it for gone. */
import { CroftError } from '../../api/errors.ts'
import type { Env } from '../env.ts'

/** Nothing was taken, or nothing came, for so long: the line is cut, whatever the connection says. */
export const stallMs = 20_000

export interface Stall extends Disposable {
  readonly signal: AbortSignal
  /** From now on the other side has so long. */
  wait(ms: number): void
  /** It did something. */
  end(): void
}

export function createStall(env: Pick<Env, 'later'>, host: string, did: 'took' | 'sent'): Stall {
  const controller = new AbortController()
  let timer: Disposable | undefined
  const end = () => timer?.[Symbol.dispose]()
  return {
    signal: controller.signal,
    end,
    wait(ms) {
      end()
      timer = env.later(ms, () =>
        controller.abort(
          new CroftError('HOST_UNREACHABLE', `host ${host} ${did} nothing for ${ms / 1000} s`, {
            hint: 'croft host ls',
          }),
        ),
      )
    },
    [Symbol.dispose]: end,
  }
}
