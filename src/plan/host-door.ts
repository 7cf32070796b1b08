/** Where a host waits for those that come by TLS: what the farm says, and what the other hosts need. Pure. */
import { parseListen } from '../api/values.ts'

/** `address` is the host's own, for the other hosts; `listen` the farm's, for everybody. */
export function doorOf(listen: string | undefined, address: string | undefined): string | undefined {
  if (address === undefined || listen === undefined) return listen ?? address
  const [at, own] = [parseListen(listen), parseListen(address)]
  // An address of one host is nothing to another; on all addresses, the port that the hosts know is one of them.
  return at?.host === undefined && at?.port === own?.port ? listen : address
}

/** Whether the farm may listen there: who comes from outside would wait at another place than the hosts know. */
export const keepsHosts = (listen: string | undefined, address: string | undefined): boolean =>
  listen === undefined || doorOf(listen, address) === listen
