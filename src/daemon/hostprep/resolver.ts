/** The name servers that croft's own asks for everything that is not of the farm: those of the host. */
import { gateway4 } from '../../plan/addresses.ts'
import { readText } from './files.ts'

/** systemd-resolved leaves the servers it asks here, while /etc/resolv.conf names only its own stub. */
export const resolverFiles = ['/etc/resolv.conf', '/run/systemd/resolve/resolv.conf'] as const

export interface Upstream {
  /** Followed while it changes. */
  readonly file: string
  readonly servers: readonly string[]
}

/**
 * The first file with a server beyond the host decides; else one on the host's loopback serves as well. Never ourselves:
 * the host may ask us too.
 */
export async function readUpstream(text: (path: string) => Promise<string | undefined> = readText): Promise<Upstream> {
  const found = await Promise.all(
    resolverFiles.map(async (file) => ({ file, servers: nameserversOf((await text(file)) ?? '') })),
  )
  const beyond = found.find(({ servers }) => servers.some((server) => !isLoopback(server)))
  return beyond ?? found.find(({ servers }) => servers.length > 0) ?? { file: resolverFiles[0], servers: [] }
}

/** The servers a resolv.conf names, without ourselves. */
export function nameserversOf(resolvConf: string): string[] {
  return resolvConf.split('\n').flatMap((line) => {
    const server = /^\s*nameserver\s+([0-9a-fA-F:.]+)\s*$/.exec(line)?.[1]
    return server === undefined || server === '0.0.0.0' || server === gateway4 ? [] : [server]
  })
}

const isLoopback = (server: string): boolean => /^127\.|^::1$/.test(server)
