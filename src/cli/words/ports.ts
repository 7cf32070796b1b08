/** `8080:80`, `8080:80/udp`, `203.0.113.7:8080:80`, `[2001:db8::1]:53:53/udp`. The server checks the numbers. */

import { CroftError } from '../../api/errors.ts'
import type { NewPort } from '../../api/guest.ts'

export function parsePort(text: string): NewPort {
  const match = /^(?:(\[[0-9A-Fa-f:.]+\]|[^:[\]]+):)?(\d{1,5}):(\d{1,5})(?:\/(tcp|udp))?$/.exec(text)
  if (!match) {
    throw new CroftError('USAGE', `"${text}" is not a port like 8080:80, 203.0.113.7:8080:80 or 53:53/udp`)
  }
  const [, address, hostPort, guestPort, protocol] = match
  return {
    protocol: protocol === 'udp' ? 'udp' : 'tcp',
    hostPort: Number(hostPort),
    guestPort: Number(guestPort),
    ...(address === undefined ? {} : { address: address.replace(/^\[|\]$/g, '') }),
  }
}

/** `8080`, `53/udp`, or as it was published: which one to take away. */
export function parsePortRef(text: string): { protocol: 'tcp' | 'udp'; hostPort: number } {
  const match = /^(\d{1,5})(?:\/(tcp|udp))?$/.exec(text)
  if (match) return { protocol: match[2] === 'udp' ? 'udp' : 'tcp', hostPort: Number(match[1]) }
  const { protocol, hostPort } = parsePort(text)
  return { protocol: protocol ?? 'tcp', hostPort: Number(hostPort) }
}

export const portText = (port: NewPort): string =>
  `${port.address === undefined ? '' : `${port.address.includes(':') ? `[${port.address}]` : port.address}:`}${port.hostPort}:${port.guestPort}/${port.protocol ?? 'tcp'}`
