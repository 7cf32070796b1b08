import { createDnsmasq } from './dnsmasq/index.ts'
import { createFakeNames } from './fake/index.ts'

/** Name → factory. The only place, with their own folders, where names drivers are named. */
export const namesDrivers = { dnsmasq: createDnsmasq, fake: createFakeNames } as const
