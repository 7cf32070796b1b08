/** How a host comes into a farm: an invitation, what the joining host asks with it, and what it is handed. */
import { z } from 'zod'
import { NewFarm } from './resources.ts'
import { HostName, Lifetime, OneLine, Reachable } from './values.ts'

const longestInvitationMs = 7 * 86_400_000

/** `address`: how the joining host reaches this one. */
export const NewInvitation = z.strictObject({
  address: Reachable.optional(),
  expires: Lifetime.default(3_600_000).refine((ms) => ms !== null && ms <= longestInvitationMs, 'must be at most 7d'),
})
export type NewInvitation = z.input<typeof NewInvitation>
/** Said once. */
export interface MadeInvitation {
  readonly id: string
  readonly token: string
  readonly address: string
  readonly fingerprint: string
  readonly expires: string
  /** The door was shut until now. */
  readonly opened: boolean
}

/** `IP:PORT` of a host's door. */
export const HostDoor = z
  .string()
  .max(60)
  .regex(
    /^(\d{1,3}(\.\d{1,3}){3}|\[[0-9a-f:.]{2,45}\]):\d{1,5}$/,
    'must be an address and port, like 198.51.100.1:8443',
  )

/** On a host without a farm: go into the farm that has invited it. */
export const NewJoin = z.strictObject({
  token: z.string().max(500),
  name: HostName.optional(),
  pool: NewFarm.shape.pool,
  address: HostDoor.optional(),
  witness: z.boolean().default(false),
})
export type NewJoin = z.input<typeof NewJoin>

/** What an invitation shows before anything is reserved. */
export interface Invitation {
  readonly farm: { readonly name: string; readonly id: string; readonly prefix4: string; readonly prefix6: string }
  readonly version: string
  /** Of the clock of the host that answers. */
  readonly now: string
  readonly hosts: readonly string[]
  /** What that croft can; with it the joining host may say what it can. */
  readonly abilities?: readonly string[]
}

/** `key`: known to the joining host alone; the invitation is bound to it, so that only this host can go on with it. */
export const NewHost = z.strictObject({
  name: HostName,
  key: z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 hexadecimal digits'),
  version: OneLine,
  /** An older one says none. */
  abilities: z
    .array(z.string().regex(/^[a-z0-9-]{1,40}$/))
    .max(100)
    .default([]),
})
export type NewHost = z.input<typeof NewHost>

/** All that makes a host one of the farm. It is said inside a connection that the token has pinned, and to this host alone. */
export interface Admission {
  readonly invitation: string
  readonly farm: { readonly name: string; readonly id: string }
  /** Key and certificate of the CA, PEM. */
  readonly ca: string
  /** The key that opens what the store holds of secrets. */
  readonly seal: string
  readonly store: StorePlace
  /** Key and certificate of the CA that members of the store believe, PEM; two while it is exchanged. An older host says nothing of it: it follows from `ca`. */
  readonly storeCas?: string
}

/** Where the farm's store is, when it is in no file. */
export interface StorePlace {
  readonly kind: 'etcd'
  readonly endpoints: readonly string[]
}

/** `cf1.ADDRESS:PORT.SECRET.FINGERPRINT`: where, what proves that one is invited, and the SHA-256 of the farm's CA. */
export interface JoinToken {
  readonly address: string
  readonly secret: string
  readonly fingerprint: string
}

export const joinToken = ({ address, secret, fingerprint }: JoinToken): string =>
  `cf1.${address}.${secret}.${fingerprint}`

/** Undefined when it was cut or changed on its way. */
export function parseJoinToken(text: string): JoinToken | undefined {
  const match = /^cf1\.([A-Za-z0-9.:[\]-]{3,270}:\d{1,5})\.([\w-]{43})\.([0-9a-f]{64})$/.exec(text.trim())
  const [, address, secret, fingerprint] = match ?? []
  if (!address || !secret || !fingerprint || !Reachable.safeParse(address).success) return undefined
  return { address, secret, fingerprint }
}
