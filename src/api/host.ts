/** Hosts: what an operator says of them, and how they are shown. */
import { z } from 'zod'
import { Rate } from './guest.ts'
import type { HostPressure } from './resources.ts'
import { Flag, SizeBytes, Unset } from './values.ts'

const Tag = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,30}$/, 'must be words of a-z, 0-9, dot, _ and -, with commas between')
const words = (text: string): string[] => text.split(',').filter((word) => word !== '' && word !== 'none')
const Tags = z.union([z.array(Tag).max(20), z.string().max(700).transform(words).pipe(z.array(Tag).max(20))])
const Times = z.coerce.number().min(0.1, 'must be 0.1 to 100').max(100, 'must be 0.1 to 100')

/** Only what is named changes; none takes a setting away. */
export const HostChange = z
  .strictObject({
    tags: Tags,
    overcommit: z.union([Unset, Times]),
    diskOvercommit: z.union([Unset, Times]),
    reserve: z.union([Unset, SizeBytes]),
    sendRate: z.union([Unset, Rate]),
  })
  .partial()
export type HostChange = z.input<typeof HostChange>

/** `move`: its guests are brought to other hosts, so many at a time; `some`: also when not all of them can be. */
export const Drain = z
  .strictObject({
    drained: Flag,
    move: Flag.optional(),
    some: Flag.optional(),
    rate: Rate.optional(),
    parallel: z.coerce.number().int().min(1, 'must be 1 to 8').max(8, 'must be 1 to 8').optional(),
  })
  .refine(({ drained, move }) => drained || !move, 'guests are moved from a host that is drained')

const Text = z.string().max(32 * 1024)
/** Words for a guest of another host, of the loops of the farm. */
export const PeerWords = z.strictObject({
  words: z.array(Text).min(1).max(200),
  env: z.record(z.string().max(200), Text).optional(),
  user: z.strictObject({ uid: z.int().min(0).max(65535), gid: z.int().min(0).max(65535) }).optional(),
  folder: z.string().startsWith('/').max(4096).optional(),
  timeoutMs: z.int().min(1).max(7_200_000),
  maxBytes: z
    .int()
    .min(0)
    .max(64 * 1024 ** 2)
    .optional(),
})
export type PeerWords = z.infer<typeof PeerWords>
export const GuestNumber = z.string().regex(/^[1-9][0-9]{0,4}$/, 'must be the number of a guest')

export interface HostRoom {
  /** Null: not known now. */
  readonly totalBytes: number | null
  readonly freeBytes: number | null
  readonly promisedBytes: number
  /** How much may be promised; null: as much as anybody asks for. */
  readonly mostBytes: number | null
}

export interface Host {
  readonly name: string
  readonly number: number
  /** `away`: its daemon does not speak with the store. */
  readonly state: 'up' | 'drained' | 'away' | 'dead'
  /** When it was last heard of, or declared dead. */
  readonly since: string | null
  readonly witness: boolean
  readonly drained: boolean
  readonly tags: readonly string[]
  readonly address: string | null
  readonly version: string | null
  readonly uidBase: number
  /** In the answer to a drain: instances of sites that are begun elsewhere, and leave it then. */
  readonly leaving?: number
  /** In the answer to a drain: guests that stay until they are moved. */
  readonly staying?: readonly string[]
  /** `running` is null while it is away. */
  readonly guests: { readonly running: number | null; readonly total: number }
  readonly memory: HostRoom
  readonly pools: Readonly<Record<string, HostRoom>>
  readonly overcommit: number | null
  readonly diskOvercommit: number | null
  readonly reserveBytes: number | null
  /** Bytes of disks that may leave it for other hosts in a second, all together. */
  readonly sendRate: number | null
  readonly cpus: number | null
  readonly load: readonly [number, number, number] | null
  /** Null when the kernel does not count it. */
  readonly pressure: HostPressure | null
  readonly uptimeSeconds: number | null
}

/** What makes another host one that issues: the farm's CA and that of its store, with their keys, PEM. Hosts ask each other alone. */
export interface CasBundle {
  readonly ca: string
  readonly stores: string
}
