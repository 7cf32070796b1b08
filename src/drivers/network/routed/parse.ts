/** What `ip -j` prints. */
import { isIP } from 'node:net'
import { z } from 'zod'

const Links = z.array(z.object({ ifname: z.string(), mtu: z.number(), flags: z.array(z.string()) }))
const Address = z.object({
  local: z.string().optional(),
  prefixlen: z.number().optional(),
  scope: z.string().optional(),
})
const Addresses = z.array(z.object({ addr_info: z.array(Address).default([]) }))
const Routes = z.array(
  z.object({
    dst: z.string().default(''),
    dev: z.string().optional(),
    gateway: z.string().optional(),
    metric: z.number().default(0),
  }),
)
const Announced = z.array(
  z.object({ dst: z.string(), dev: z.string(), protocol: z.union([z.string(), z.number()]).optional() }),
)

export interface FoundLink {
  readonly name: string
  readonly mtu: number
  readonly up: boolean
}

export const parseLinks = (text: string): FoundLink[] =>
  Links.parse(json(text)).map(({ ifname, mtu, flags }) => ({ name: ifname, mtu, up: flags.includes('UP') }))

export const parseAddresses = (text: string): string[] =>
  Addresses.parse(json(text)).flatMap(({ addr_info }) => addr_info.flatMap(({ local }) => local ?? []))

/** Of the world: what each link has for itself leads nowhere. */
export const parseNetworks = (text: string): string[] =>
  Addresses.parse(json(text))
    .flatMap(({ addr_info }) => addr_info)
    .flatMap(({ local, prefixlen, scope }) => (scope === 'global' && local ? `${local}/${prefixlen ?? 32}` : []))

const Uplinks = z.array(
  z.object({
    mtu: z.number(),
    addr_info: z.array(
      z.object({ local: z.string().optional(), scope: z.string(), temporary: z.boolean().default(false) }),
    ),
  }),
)

/** Addresses that lead back to us tomorrow as well. */
export function parseUplink(text: string): { readonly mtu: number; readonly addresses: readonly string[] } | undefined {
  const [link] = Uplinks.parse(json(text))
  const lasting = link?.addr_info.filter(({ scope, temporary }) => scope === 'global' && !temporary) ?? []
  return link && { mtu: link.mtu, addresses: lasting.flatMap(({ local }) => local ?? []) }
}

/** Devices of default routes, the preferred first. */
export const parseDefaultDevices = (text: string): string[] =>
  Routes.parse(json(text))
    .toSorted((a, b) => a.metric - b.metric)
    .flatMap(({ dev }) => dev ?? [])

export const parseGateways = (text: string): string[] =>
  Routes.parse(json(text)).flatMap(({ gateway }) => gateway ?? [])

/** Of routes, those to one address. */
export const parseSingles = (text: string): string[] =>
  Routes.parse(json(text)).flatMap(({ dst }) => (isIP(dst) === 0 ? [] : [dst]))

export interface AnnouncedAddress {
  readonly address: string
  readonly device: string
}

export const parseAnnounced = (text: string, protocol: string): AnnouncedAddress[] =>
  Announced.parse(json(text)).flatMap((found) =>
    String(found.protocol) === protocol ? [{ address: found.dst, device: found.dev }] : [],
  )

/** `ip` prints nothing at all when a list is empty. */
const json = (text: string): unknown => (text.trim() === '' ? [] : JSON.parse(text))

/** Ports of /proc/net/tcp or udp on which something waits; 127.0.0.53, the gateway and the like are not what a published port takes. */
export function parseListening(table: string, protocol: 'tcp' | 'udp'): Set<number> {
  const waiting = protocol === 'tcp' ? '0A' : '07'
  const ports = new Set<number>()
  for (const line of table.split('\n').slice(1)) {
    const [, local = '', , state] = line.trim().split(/\s+/)
    const [address = '', port = ''] = local.split(':')
    const elsewhere = /^(?!0100007F).{6}7F$|^0100FEA9$/.test(address)
    if (state === waiting && !elsewhere) ports.add(Number.parseInt(port, 16))
  }
  return ports
}
