/** In which order guests go when their host does: who started last goes first, those of one order together. Pure. */
export interface Leaving {
  readonly number: number
  readonly name: string
  readonly order: number
}

export function planShutdown(live: readonly number[], known: readonly Leaving[]): Leaving[][] {
  const byNumber = new Map(known.map((guest) => [guest.number, guest]))
  const leaving = live.map((number) => byNumber.get(number) ?? { number, name: `guest ${number}`, order: 0 })
  const groups = Map.groupBy(leaving, ({ order }) => order)
  return [...groups].sort(([a], [b]) => b - a).map(([, group]) => group)
}
