import { createFakeEdge } from './fake/index.ts'
import { createHaproxy } from './haproxy/index.ts'

/** Name → factory. The only place, with their own folders, where edge drivers are named. */
export const edgeDrivers = { haproxy: createHaproxy, fake: createFakeEdge } as const
