/** What is being sent: the kernel lets nobody delete a subvolume meanwhile, nor the one that it is sent as a difference from. */
import { CroftError } from '../../../api/errors.ts'
import type { Sending } from '../driver.ts'
import { type SendingOf, sendSubvolume } from './transfer.ts'

export interface Sends {
  start(path: string, of: SendingOf, signal: AbortSignal | undefined): Sending
  /** Returns when nothing reads it any more. */
  stop(path: string): Promise<void>
}

interface Running {
  readonly paths: readonly (string | undefined)[]
  readonly abort: AbortController
  readonly done: Promise<unknown>
}

export function createSends(): Sends {
  const running = new Set<Running>()
  return {
    start(path, of, signal) {
      const abort = new AbortController()
      const work = sendSubvolume(path, {
        ...of,
        signal: signal ? AbortSignal.any([signal, abort.signal]) : abort.signal,
      })
      const one: Running = { paths: [path, of.parent], abort, done: work.ended }
      running.add(one)
      const end = () => void running.delete(one)
      work.ended.then(end, end)
      return work.sending
    },
    async stop(path) {
      const those = [...running].filter(({ paths }) => paths.includes(path))
      for (const { abort } of those) abort.abort(new CroftError('CANCELLED', 'it is being removed'))
      await Promise.allSettled(those.map(({ done }) => done))
    },
  }
}
