/** What a daemon holds in its hands. When it dies nothing that it had begun goes on: its calls neither act nor answer. */
export interface Lifeline {
  alive: boolean
}

export function heldBy<T extends object>(life: Lifeline, thing: T, log?: (method: string, args: unknown[]) => void): T {
  return new Proxy(thing, {
    get(target, key) {
      const member = Reflect.get(target, key) as unknown
      if (typeof member !== 'function') return member
      return (...args: unknown[]) => {
        if (key === 'watch') return following(life, () => member.apply(target, args) as AsyncIterable<unknown>)
        if (!life.alive) return never
        if (key === 'onExit') args[1] = guarded(life, args[1] as () => void)
        log?.(String(key), args)
        return settledFor(life, member.apply(target, args))
      }
    },
  })
}

const never = new Promise<never>(() => {})

function guarded(life: Lifeline, call: () => void): () => void {
  return () => {
    if (life.alive) call()
  }
}

/** An answer that comes after the death is not heard. */
function settledFor(life: Lifeline, answer: unknown): unknown {
  if (!(answer instanceof Promise)) return answer
  return answer.then(
    (value) => (life.alive ? value : never),
    (thrown) => (life.alive ? Promise.reject(thrown) : never),
  )
}

async function* following(life: Lifeline, watch: () => AsyncIterable<unknown>): AsyncGenerator<unknown> {
  for await (const batch of watch()) {
    if (!life.alive) return
    yield batch
  }
}
