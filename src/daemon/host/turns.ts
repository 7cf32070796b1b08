/**
 * So many at a time; the others in the order they came. Who takes longer than `patienceMs` gives the place on while still
 * at work: a few guests that hang in their start must not hold up all others.
 */
import type { Env } from '../env.ts'

export interface Turns {
  take<T>(work: () => Promise<T>): Promise<T>
}

export function createTurns(places: number, env: Pick<Env, 'later'>, patienceMs = 5000): Turns {
  const waiting: (() => void)[] = []
  let free = places

  function giveOn(): void {
    const next = waiting.shift()
    if (next) next()
    else free += 1
  }

  return {
    async take(work) {
      if (free > 0) free -= 1
      else await new Promise<void>((go) => waiting.push(go))
      let held = true
      const letGo = () => {
        if (held) giveOn()
        held = false
      }
      using _ = env.later(patienceMs, letGo)
      try {
        return await work()
      } finally {
        letGo()
      }
    },
  }
}
