/** Addresses that the host answers for on its uplink (proxy ARP and NDP), for providers that do not route them to us. */
import { isIPv6 } from 'node:net'
import type { Runner } from '../../exec/command.ts'
import { checkAddress } from '../check.ts'
import * as commands from './commands.ts'
import { parseAnnounced } from './parse.ts'
import { whole } from './read.ts'

type Set = (path: string, value: string) => Promise<unknown>

/** Entries that others made stay as they are. */
export function createAnnouncer(run: Runner, set: Set, uplink: () => Promise<string | null>) {
  /** What was added stays known to nobody but the kernel, which forgets it when the link goes down: so it is asked. */
  let none = false
  return async (addresses: readonly string[]): Promise<void> => {
    for (const address of addresses) checkAddress(address)
    const device = await uplink()
    const wanted = device === null ? [] : [...new Set(addresses)].sort()
    if (wanted.length === 0 && none) return
    const found = parseAnnounced(await whole(run, commands.listAnnounced()), commands.ownProtocol)
    const stays = (address: string, at: string) => at === device && wanted.includes(address)
    for (const { address, device: at } of found)
      if (!stays(address, at)) await run.outcome(commands.deleteAnnounced(address, at))
    if (device !== null && wanted.some(isIPv6)) await set(`net/ipv6/conf/${device}/proxy_ndp`, '1')
    for (const address of wanted)
      if (device !== null && !found.some((each) => each.address === address && each.device === device))
        await run.run(commands.addAnnounced(address, device))
    none = wanted.length === 0
  }
}
