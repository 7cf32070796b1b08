import { createDirect } from './direct/index.ts'
import { createFakeMesh } from './fake/index.ts'
import { createWireguard } from './wireguard/index.ts'

/** Name → factory. The only place, with their own folders, where mesh drivers are named. */
export const meshDrivers = { wireguard: createWireguard, direct: createDirect, fake: createFakeMesh } as const
