/** Whether somebody takes a connection: one is made, and ended without a word. */
import { connect } from 'node:net'
import type { Env } from '../env.ts'

/** `refused`: nothing listens there. `mute`: nothing came back. */
export type Knocked = 'open' | 'refused' | 'mute'

const patienceMs = 2000

export interface Place {
  readonly address: string
  readonly port: number
}
export type Knock = (place: Place) => Promise<Knocked>

export const createKnock =
  (env: Pick<Env, 'later'>): Knock =>
  (place) =>
    knock(env, place)

export async function knock(env: Pick<Env, 'later'>, { address, port }: Place): Promise<Knocked> {
  const { promise, resolve } = Promise.withResolvers<Knocked>()
  const socket = connect({ host: address, port })
  using _ = env.later(patienceMs, () => resolve('mute'))
  socket.once('connect', () => resolve('open'))
  socket.on('error', ({ code }: NodeJS.ErrnoException) => resolve(code === 'ECONNREFUSED' ? 'refused' : 'mute'))
  try {
    return await promise
  } finally {
    socket.destroy()
  }
}
