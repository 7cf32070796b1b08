import { isIPv6 } from 'node:net'
import type { Command } from '../../exec/command.ts'
import type { MeshPeer } from '../driver.ts'

const ip = (...args: string[]): Command => ({ file: 'ip', args, timeoutMs: 20_000 })

export const showLink = (link: string): Command => ip('-j', '-d', 'address', 'show', 'dev', link)
export const addLink = (link: string): Command => ip('link', 'add', 'dev', link, 'type', 'wireguard')
export const deleteLink = (link: string): Command => ip('link', 'delete', 'dev', link)
export const setLink = (link: string, mtu: number): Command => ip('link', 'set', 'dev', link, 'mtu', String(mtu), 'up')
export const addAddress = (link: string, address: string): Command =>
  ip('address', 'replace', single(address), 'dev', link, ...(isIPv6(address) ? ['nodad'] : []))
export const deleteAddress = (link: string, address: string): Command =>
  ip('address', 'delete', single(address), 'dev', link)

/** Prints the private key too: what it says goes into no message. */
export const dump = (link: string): Command => ({ file: 'wg', args: ['show', link, 'dump'], timeoutMs: 20_000 })
/** Sessions of peers that stay go on. */
export const syncConfig = (link: string, file: string): Command => ({
  file: 'wg',
  args: ['syncconf', link, file],
  timeoutMs: 20_000,
})

/** For kernels without WireGuard: a process of its own, over TUN. It tells people to use the kernel's unless it is told that we know. */
export const userspace = (link: string): Command => ({
  file: 'wireguard-go',
  args: ['-f', link],
  env: { WG_I_PREFER_BUGGY_USERSPACE_TO_POLISHED_KMOD: '1', LOG_LEVEL: 'error' },
  timeoutMs: 0,
})

/** Peers behind a translation of addresses are reached as long as they say something. */
export const keepaliveSeconds = 25

export function configText(privateKey: string, port: number, peers: readonly MeshPeer[]): string {
  const lines = ['[Interface]', `PrivateKey = ${privateKey}`, `ListenPort = ${port}`]
  for (const { publicKey, endpoint, networks } of peers)
    lines.push(
      ...['[Peer]', `PublicKey = ${publicKey}`, `Endpoint = ${endpoint}`],
      ...[`AllowedIPs = ${networks.join(', ')}`, `PersistentKeepalive = ${keepaliveSeconds}`],
    )
  return `${lines.join('\n')}\n`
}

const single = (address: string): string => `${address}/${isIPv6(address) ? 128 : 32}`
