/** The name servers that guests are given: those of the host that are more than the host's own loopback. */
import { nameserversOf } from '../host/definition.ts'
import { readText } from './files.ts'

/** systemd-resolved leaves the servers it asks here, while /etc/resolv.conf names only its own stub. */
export const resolverFiles = ['/etc/resolv.conf', '/run/systemd/resolve/resolv.conf'] as const

/** The first file that names one decides. */
export async function readNameservers(
  text: (path: string) => Promise<string | undefined> = readText,
): Promise<string[]> {
  for (const path of resolverFiles) {
    const found = nameserversOf((await text(path)) ?? '')
    if (found.length > 0) return found
  }
  return []
}
