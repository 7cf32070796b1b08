import { createFakeVlans } from './fake/index.ts'
import { createIproute } from './iproute/index.ts'

/** Name → factory. The only place, with their own folders, where VLAN drivers are named. */
export const vlanDrivers = { iproute: createIproute, fake: createFakeVlans } as const
