/**
 * Names inside the farm, answered at the guests' gateway address. The servers are processes of their own and keep what they
 * were last told: they answer on while no process of croft runs.
 */

/** `open` asks other servers for what is not ours; `closed` knows the farm alone, for guests whose way out is a list. */
export type View = 'open' | 'closed'
export const views: readonly View[] = ['open', 'closed']

export interface Named {
  /** One label, or several with dots between them. */
  readonly name: string
  readonly addresses: readonly string[]
}

export interface Zone {
  /** Names end in `.FARM.internal`. */
  readonly farm: string
  /** Guests' networks: who is not named there has no name, and nobody else is asked. */
  readonly prefix4: string
  readonly prefix6: string
  readonly names: readonly Named[]
}

export interface Names {
  readonly name: string
  /** Starts what does not run; returns when both views answer with exactly this. Told twice, it does nothing. */
  publish(zone: Zone): Promise<void>
  /** Views that do not answer as was last published; all before that. */
  silent(): Promise<readonly View[]>
  /** Ends the servers. */
  stop(): Promise<void>
}
