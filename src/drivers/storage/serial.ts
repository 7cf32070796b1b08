/** Runs what has the same key one after another, and different keys side by side. */
export type Serial = <T>(key: string, work: () => Promise<T>) => Promise<T>

export function createSerial(): Serial {
  const tails = new Map<string, Promise<unknown>>()
  return async (key, work) => {
    const before = tails.get(key) ?? Promise.resolve()
    const mine = before.then(work, work)
    tails.set(key, mine)
    try {
      return await mine
    } finally {
      if (tails.get(key) === mine) tails.delete(key)
    }
  }
}
