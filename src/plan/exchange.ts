/**
 * A farm of several hosts goes over to another CA, and its store with it. Pure.
 *
 *     beside ─► shown ─► settled ─── cert rotate --finish ──► alone ─► over
 *
 * beside: each host trusts both, and shows what the former one signed to the store. shown: what the new one signed. alone: the
 * former one is trusted no more. A phase is begun when all hosts have confirmed the one before.
 */
export type ExchangePhase = 'beside' | 'shown' | 'settled' | 'alone'

export interface Exchange {
  readonly phase: ExchangePhase
  /** Where the new CA was made: it has it first. */
  readonly from: string
  /** Hosts that are as the phase says. */
  readonly done: readonly string[]
}

const after = { beside: 'shown', shown: 'settled', alone: 'over' } as const

/** Those that are not there yet; who was declared dead is not waited for. */
export function waitsFor({ phase, from, done }: Exchange, living: readonly string[]): string[] {
  if (phase === 'settled') return []
  const others = living.filter((name) => name !== from).sort()
  return [...living.filter((name) => name === from), ...others].filter((name) => !done.includes(name))
}

/** Undefined: it is not its time, or people have to say that. */
export function nextPhase(exchange: Exchange, living: readonly string[]): ExchangePhase | 'over' | undefined {
  if (exchange.phase === 'settled' || waitsFor(exchange, living).length > 0) return undefined
  return after[exchange.phase]
}

/** Members of the store start anew with whom they trust, so one host goes after another then. */
export function isTurn(exchange: Exchange, living: readonly string[], host: string): boolean {
  const waiting = waitsFor(exchange, living)
  return exchange.phase === 'shown' ? waiting.includes(host) : waiting[0] === host
}
