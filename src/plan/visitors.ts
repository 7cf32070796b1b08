/** How many requests came to some routes between two looks at what the edge has counted. Pure. */
export interface Counted {
  readonly requests: number
  readonly errors5xx: number
}
export interface Tally {
  readonly requests: number
  /** Answered with 500 to 599, or by nobody. */
  readonly failed: number
  readonly last: ReadonlyMap<string, Counted>
}

/** The first look is where it begins; a route that was not there then began at nothing, and so did an edge that counts less than before. */
export function tallied(before: Tally | undefined, now: ReadonlyMap<string, Counted>): Tally {
  if (!before) return { requests: 0, failed: 0, last: now }
  let { requests, failed } = before
  for (const [id, counted] of now) {
    const last = before.last.get(id)
    const isAnew = last === undefined || counted.requests < last.requests
    requests += counted.requests - (isAnew ? 0 : last.requests)
    failed += counted.errors5xx - (isAnew ? 0 : Math.min(last.errors5xx, counted.errors5xx))
  }
  return { requests, failed, last: new Map([...before.last, ...now]) }
}
