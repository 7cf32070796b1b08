import { createFakeNetwork } from './fake/index.ts'
import { createRouted } from './routed/index.ts'

/** Name → factory. The only place, with their own folders, where network drivers are named. */
export const networkDrivers = { routed: createRouted, fake: createFakeNetwork } as const
