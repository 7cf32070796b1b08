/** Time, ids and chance come in by this door. */
import { randomBytes, randomUUID } from 'node:crypto'

export interface Env {
  /** Wall clock, milliseconds: for what people read. */
  now(): number
  /** Never goes back: for deadlines. */
  monotonicMs(): number
  /** Runs the work once, so many milliseconds of the monotonic clock later. Keeps no process alive. */
  later(ms: number, work: () => void): Disposable
  /** 26 characters of a-z and 0-9, hard to guess. */
  id(): string
  uuid(): string
  randomHex(bytes: number): string
}

export const systemEnv: Env = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  later(ms, work) {
    const timer = setTimeout(work, ms).unref()
    return { [Symbol.dispose]: () => clearTimeout(timer) }
  },
  id: () => [...randomBytes(20)].map((byte) => 'abcdefghijkmnpqrstuvwxyz23456789'[byte & 31]).join(''),
  uuid: () => randomUUID(),
  randomHex: (bytes) => randomBytes(bytes).toString('hex'),
}

export const timestamp = (env: Pick<Env, 'now'>): string => new Date(env.now()).toISOString()

export const pause = (env: Pick<Env, 'later'>, ms: number): Promise<void> =>
  new Promise((resolve) => void env.later(ms, resolve))
