/** Networks of the site, on tagged links of the hosts, and what guests have of them. */
import { z } from 'zod'
import { AddressRange } from './values.ts'

/** Guests' own network is called `default`. */
export const NetworkName = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,30}$/, 'must be 1 to 31 of a-z, 0-9 and -, beginning with a letter')
  .refine((name) => name !== 'default' && name !== 'any', 'is a word with a meaning of its own')
/** With a dot and the tag behind it it must be the name of a device. */
const Uplink = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9_-]{0,9}$/, 'must be the name of a device, of 1 to 10 letters, digits, _ and -')
  .refine((name) => !/^(lo|all|default|croft.*|mesh.*)$/.test(name), 'is no device that a network could be on')
/** Whether a network could be on a device of this name. */
export const isUplink = (device: string): boolean => Uplink.safeParse(device).success
/** 253 to 255 are routing tables that every host has. */
const Vlan = z.coerce
  .number()
  .int()
  .min(1, 'must be 1 to 4094')
  .max(4094, 'must be 1 to 4094')
  .refine((vlan) => vlan < 253 || vlan > 255, '253 to 255 are routing tables of the kernel')
const NetworkMtu = z.coerce.number().int().min(1280, 'must be 1280 to 9216').max(9216, 'must be 1280 to 9216')
/** One of each family, with a comma between. */
const listOf = (one: z.ZodType<string, string>) =>
  z.union([z.array(z.string()), z.string().transform((text) => text.split(','))]).pipe(z.array(one).min(1).max(2))
const OneGateway = AddressRange.refine((address) => !address.includes('/'), 'must be one address')
const Subnet = AddressRange.refine((text) => text.includes('/'), 'must be a network like 192.0.2.0/24')
const Unset = z.union([z.null(), z.literal(''), z.literal('none')]).transform(() => null)

export const NewNetwork = z.strictObject({
  name: NetworkName,
  vlan: Vlan,
  uplink: Uplink,
  subnet: listOf(Subnet),
  gateway: listOf(OneGateway).optional(),
  mtu: NetworkMtu.optional(),
})
export type NewNetwork = z.input<typeof NewNetwork>

export const NetworkChange = z
  .strictObject({
    vlan: Vlan,
    uplink: Uplink,
    subnet: listOf(Subnet),
    gateway: z.union([Unset, listOf(OneGateway)]),
    mtu: z.union([Unset, NetworkMtu]),
  })
  .partial()
export type NetworkChange = z.input<typeof NetworkChange>

/** Without addresses it is given one of each family that nobody of the farm has. */
export const NewMembership = z.strictObject({
  network: NetworkName,
  addresses: z.array(OneGateway).max(8).default([]),
})
export type NewMembership = z.input<typeof NewMembership>

/** An address from outside the farm, routed to the guest. `announce`: the host answers for it on its uplink. */
export interface PublicAddress {
  readonly address: string
  readonly announce: boolean
  /** It is an address of that network of the site, whose way in and out it has. */
  readonly network?: string
}
export interface AddressView extends PublicAddress {
  readonly guest: string
  readonly host: string
}

/** `routed`: the farm's own, where each guest has the address of its number. */
export interface Network {
  readonly name: string
  readonly kind: 'routed' | 'vlan'
  readonly prefix4: string | null
  readonly prefix6: string | null
  readonly uplink: string | null
  /** Null: that of its uplink, on whatever host. */
  readonly mtu: number | null
  readonly vlan?: number
  readonly gateways?: readonly string[]
  /** Who has an address of it. */
  readonly guests?: readonly string[]
}
