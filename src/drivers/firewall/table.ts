import { createFakeFirewall } from './fake/index.ts'
import { createNftables } from './nftables/index.ts'

/** Name → factory. The only place, with their own folders, where firewall drivers are named. */
export const firewallDrivers = { nftables: createNftables, fake: createFakeFirewall } as const
