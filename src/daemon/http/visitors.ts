/** The connections that a token opened. They end with it: who is shut out reads no line more of an answer that goes on. */
import type { Socket } from 'node:net'
import type { Env } from '../env.ts'

/** setTimeout's longest. */
const longestMs = 2 ** 31 - 1

export class Visitors {
  readonly #env: Pick<Env, 'now' | 'later'>
  readonly #sockets = new Map<string, Set<Socket>>()

  constructor(env: Pick<Env, 'now' | 'later'>) {
    this.#env = env
  }

  came(token: string, socket: Socket, expires: string | null): void {
    const held = this.#sockets.get(token) ?? new Set()
    if (held.has(socket)) return
    this.#sockets.set(token, held.add(socket))
    const leftMs = expires === null ? longestMs : Date.parse(expires) - this.#env.now()
    const timer = this.#env.later(Math.min(leftMs, longestMs), () => socket.destroy())
    socket.once('close', () => {
      timer[Symbol.dispose]()
      held.delete(socket)
      if (held.size === 0 && this.#sockets.get(token) === held) this.#sockets.delete(token)
    })
  }

  shutOut(token: string): void {
    for (const socket of this.#sockets.get(token) ?? []) socket.destroy()
  }
}
