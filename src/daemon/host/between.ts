/** What this host does with other hosts: guests that move, and their replicas. To be begun once other hosts can be asked. */
import type { Daemon } from '../daemon.ts'
import { createMoves, type Moves } from '../moves/moves.ts'
import { createReplicas, type Replicas } from '../replicas/replicas.ts'
import type { HostLoop } from './loop.ts'
import type { HostParts } from './parts.ts'

export interface Between {
  readonly moves: Moves
  readonly replicas: Replicas
  begin(daemon: Daemon): void
  close(): Promise<void>
}

export function createBetween(parts: HostParts, loop: Pick<HostLoop, 'look' | 'gate'>): Between {
  const moves = createMoves(parts, loop)
  const replicas = createReplicas(parts)
  return {
    ...{ moves, replicas },
    begin(daemon) {
      moves.begin(daemon)
      replicas.begin()
    },
    async close() {
      await moves.close()
      await replicas.close()
    },
  }
}
