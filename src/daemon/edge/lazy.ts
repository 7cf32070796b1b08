/** The edge's driver, loaded with the first route: most hosts of a farm that has none need nothing of it. */
import { existsSync } from 'node:fs'
import type { Edge } from '../../drivers/edge/driver.ts'
import type { Runner } from '../../drivers/exec/command.ts'

export interface EdgePlace {
  readonly run: Runner
  readonly folder: string
  readonly unit: boolean
}

export function lazyEdge(place: EdgePlace): Edge {
  let loaded: Promise<Edge> | undefined
  const edge = (): Promise<Edge> => {
    loaded ??= import('../../drivers/edge/haproxy/index.ts').then(({ createHaproxy }) => createHaproxy(place))
    return loaded
  }
  return {
    name: 'haproxy',
    serve: async (wish) => (await edge()).serve(wish),
    // Where nothing was ever served, nothing runs.
    state: async () =>
      existsSync(place.folder)
        ? (await edge()).state()
        : { running: false, workers: 0, memoryBytes: null, listens: [] },
    counters: async () => (await edge()).counters(),
    missed: async () => (await edge()).missed(),
    open: async (server) => (await edge()).open(server),
    answering: async () => (existsSync(place.folder) ? (await edge()).answering() : new Map()),
    assertTakes: async (certificate) => (await edge()).assertTakes(certificate),
    readLog: async (wanted) => (await edge()).readLog(wanted),
    revive: async () => existsSync(place.folder) && (await edge()).revive(),
    stop: async () => (await edge()).stop(),
  }
}
