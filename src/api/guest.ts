import { z } from 'zod'
import { SiteName } from './app.ts'
import { Domain } from './domain.ts'
import type { Mount } from './mount.ts'
import { NewMembership, type PublicAddress } from './network.ts'
import { type Placed, placing } from './placement.ts'
import {
  AddressRange,
  Flag,
  GuestName,
  LabelKey,
  OneLine,
  PortNumber,
  PublicKey,
  Service,
  SizeBytes,
  SnapshotName,
  TemplateRef,
  Unset,
} from './values.ts'

export const Cpus = z.coerce.number().min(0.05, 'must be 0.05 to 1024').max(1024, 'must be 0.05 to 1024')
export const Processes = z.coerce.number().int().min(16).max(4_000_000)
export const MemoryBytes = SizeBytes.refine((bytes) => bytes >= 16 * 1024 ** 2, {
  error: ({ input }) => `must be at least 16M${Number(input) >= 16 && Number(input) <= 65_536 ? `; ${input}M?` : ''}`,
})
export const DiskBytes = SizeBytes.refine((bytes) => bytes >= 64 * 1024 ** 2, 'must be at least 64M')
/** Bytes a second, or empty for no limit. */
export const Rate = SizeBytes.refine((bytes) => bytes >= 1024, 'must be at least 1K a second')
/** Less than 1280 and there is no IPv6. */
const Mtu = z.coerce.number().int().min(1280, 'must be 1280 to 9216').max(9216, 'must be 1280 to 9216')

/** What a guest may use. A missing limit is no limit. Bytes; bytes a second; whole or broken processors. */
export interface Limits {
  readonly memoryBytes?: number
  readonly cpus?: number
  readonly diskBytes?: number
  readonly processes?: number
  readonly diskRate?: number
  readonly netRate?: number
  /** One way each; they go before `netRate`. */
  readonly netRateIn?: number
  readonly netRateOut?: number
  /** The largest packet of its link; without it that of the host's uplink. */
  readonly mtu?: number
}

/** A door from outside: host port → guest port. `address` narrows it to one of the host's addresses. */
export interface Port {
  readonly protocol: 'tcp' | 'udp'
  readonly hostPort: number
  readonly guestPort: number
  readonly address?: string
}

export type { AddressView, PublicAddress } from './network.ts'

/**
 * One line of the firewall language. `in` is traffic to the guest, `out` from it. A deny beats every allow; the first
 * `out` allow turns the guest's way out into a list of what is allowed. `peer` is a guest's name, a
 * site's (all its instances), an address range or `any`.
 */
export interface Rule {
  readonly action: 'allow' | 'deny'
  readonly direction: 'in' | 'out'
  readonly peer: string
  readonly service: Service
  readonly log: boolean
}

/** Where a root file system comes from. The id is the template's, snapshot's or root's own, never a name. */
export type RootSource =
  | { readonly kind: 'template'; readonly id: string; readonly ref: string }
  | { readonly kind: 'snapshot'; readonly id: string; readonly number: number; readonly name: string }
  | { readonly kind: 'root'; readonly id: string; readonly number: number; readonly name: string }

const Word = z
  .string()
  .max(32 * 1024)
  .refine((text) => !text.includes('\0'), 'must hold no zero byte')
const Id = z.int().min(0).max(65535)
/**
 * What a guest's first process is: the root's own /sbin/init, or one command, as images of applications name it. It comes
 * from its template alone. `env` is KEY=VALUE words.
 */
export const Init = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('system') }),
  z.strictObject({
    kind: z.literal('command'),
    words: z.array(Word).min(1).max(200),
    env: z.array(Word.regex(/^[^=]+=/, 'must be KEY=VALUE')).max(500),
    user: Id,
    group: Id,
    folder: Word.startsWith('/', 'must be an absolute path'),
    /** The signal that asks it to end. */
    stopSignal: z.int().min(1).max(64),
  }),
])
export type Init = z.infer<typeof Init>

/** The wish. Written by the API alone. A new `root.id` means: give it this root instead; `restarts` + 1 means: once more. */
export interface GuestSpec {
  readonly run: 'running' | 'stopped' | 'frozen'
  readonly stop: 'graceful' | 'kill'
  readonly restarts: number
  readonly template: string
  readonly root: { readonly id: string; readonly from: RootSource }
  /** As its template says; absent for an ordinary system. */
  readonly init?: Init
  readonly pool: string
  readonly network: string
  readonly size?: string
  readonly limits: Limits
  readonly labels: Readonly<Record<string, string>>
  readonly autostart: boolean
  readonly order: number
  /** Whether it may run containers of its own, unprivileged ones too. */
  readonly nesting?: boolean
  /** Whose certificate and key it is given, in /dev/.croft/tls. */
  readonly certificate?: string
  readonly ports: readonly Port[]
  readonly addresses?: readonly PublicAddress[]
  readonly mounts?: readonly Mount[]
  readonly rules: readonly Rule[]
  readonly keys: readonly string[]
  /** What it is for, when it is no guest of its own. */
  readonly part?: GuestPart
  /** What is put on its disk before it first starts: the id of its seed. */
  readonly seed?: string
  /** Lasting data of its site, bound at these folders. */
  readonly volumes?: readonly { readonly id: string; readonly target: string }[]
}

/** The loops of the farm make and remove these; people use the verbs of sites and builds. */
export type GuestPart =
  | { readonly kind: 'instance'; readonly site: string; readonly slot: number; readonly release: string }
  | { readonly kind: 'build'; readonly id: string }

export type GuestState =
  | 'creating'
  | 'starting'
  | 'running'
  | 'stopping'
  | 'stopped'
  | 'frozen'
  | 'waits'
  | 'failed'
  | 'removing'

/** The fact. Written by the host that runs the guest alone. */
export interface GuestStatus {
  readonly state: GuestState
  /** The generation of the spec that was met, or last tried. */
  readonly generation: number
  readonly since: string
  /** When it was written, and whose it is, as it was called then: events tell it. */
  readonly at?: string
  readonly name?: string
  readonly reason?: string
  readonly failures?: number
  /** The root on disk. Once set, a missing root is a loss and never made anew. */
  readonly rootId?: string
  readonly restarts?: number
  /** What was put on that root before its first start. */
  readonly seed?: string
  readonly startedAt?: string
  /** That start was nobody's wish: it had ended by itself, or with its host, and is to run. */
  readonly revived?: true
  /** The generation at which its host came up and did not start it, for it does not start by itself. */
  readonly held?: number
}

/** As it goes over the wire and as `--json` prints it. `away`: its host does not answer, and `status` is its last word. */
export interface Guest {
  readonly name: string
  readonly number: number
  readonly id: string
  readonly host: string
  readonly generation: number
  readonly revision: number
  readonly created: string
  readonly deleting?: boolean
  /** Absent where there was no choice. */
  readonly placed?: Placed
  readonly spec: GuestSpec
  /** On its way to another host; `quiet`: it is down for the last of it. */
  readonly moving?: { readonly to: string; readonly quiet?: true }
  readonly away?: true
  readonly status: GuestStatus | null
  readonly ipv4: string
  readonly ipv6: string
}

const settings = {
  size: z.union([Unset, z.string().regex(/^[a-z][a-z0-9-]{0,30}$/)]),
  memory: z.union([Unset, MemoryBytes]),
  cpu: z.union([Unset, Cpus]),
  disk: z.union([Unset, DiskBytes]),
  processes: z.union([Unset, Processes]),
  diskRate: z.union([Unset, Rate]),
  netRate: z.union([Unset, Rate]),
  netRateIn: z.union([Unset, Rate]),
  netRateOut: z.union([Unset, Rate]),
  mtu: z.union([Unset, Mtu]),
  autostart: Flag,
  nesting: Flag,
  certificate: z.union([Unset, Domain]),
  order: z.coerce.number().int().min(-1000).max(1000),
  labels: z.record(LabelKey, z.union([OneLine, z.null()])),
  keys: z.array(PublicKey).max(100),
}

/** What `croft set web memory=1G` sends: only what is named changes; null, '' and 'none' take a limit away. */
export const GuestChange = z.strictObject(settings).partial()
export type GuestChange = z.infer<typeof GuestChange>

const OneAddress = AddressRange.refine((address) => !address.includes('/'), 'must be one address')
export const NewAddress = z.strictObject({ address: OneAddress, announce: z.boolean().default(false) })
export { OneAddress }

export const NewPort = z.strictObject({
  protocol: z.enum(['tcp', 'udp']).default('tcp'),
  hostPort: PortNumber,
  guestPort: PortNumber,
  address: OneAddress.optional(),
})
export type NewPort = z.input<typeof NewPort>

export const PortRef = z.strictObject({ protocol: z.enum(['tcp', 'udp']).default('tcp'), hostPort: PortNumber })

export const NewRule = z.strictObject({
  action: z.enum(['allow', 'deny']),
  direction: z.enum(['in', 'out']),
  peer: z.union([z.literal('any'), GuestName, SiteName, AddressRange]),
  service: Service,
  log: z.boolean().default(false),
})
export type NewRule = z.input<typeof NewRule>

/** `{rule}` takes away that very rule; `{all: true}` every rule of the guest. */
export const RuleRef = z.union([z.strictObject({ rule: NewRule }), z.strictObject({ all: z.literal(true) })])

export const NewGuest = z.strictObject({
  name: GuestName,
  template: TemplateRef,
  start: z.boolean().default(true),
  ports: z.array(NewPort).max(100).default([]),
  networks: z.array(NewMembership).max(8).default([]),
  ...placing,
  ...GuestChange.shape,
})
export type NewGuest = z.input<typeof NewGuest>

export const GuestAction = z.strictObject({ do: z.enum(['start', 'stop', 'restart', 'kill', 'freeze', 'unfreeze']) })
export type GuestAction = z.infer<typeof GuestAction>

export const GuestRename = z.strictObject({ name: GuestName })
/** `snapshot` clones from that snapshot instead of the guest's present disk. */
export const GuestClone = z.strictObject({
  name: GuestName,
  snapshot: SnapshotName.optional(),
  start: z.boolean().default(true),
})

/** What the kernel counts for a guest, and its limits; null where it does not tell. */
export interface Counted {
  readonly cpuSeconds: number | null
  readonly memoryBytes: number | null
  readonly memoryLimit: number | null
  readonly processes: number | null
  readonly processLimit: number | null
  /** Since its start, as it asked the disk for them: what a cache answered is not counted. */
  readonly diskReadBytes: number | null
  readonly diskWriteBytes: number | null
  /** Processes killed for want of memory since its start. */
  readonly oomKills: number | null
  readonly netInBytes: number | null
  readonly netOutBytes: number | null
}

/** What a guest uses now. Never stored. */
export interface Usage extends Counted {
  readonly name: string
  readonly state: GuestState
  /** When it was looked at. */
  readonly at: string
  readonly cpuPercent: number | null
  readonly diskBytes: number | null
  readonly diskLimit: number | null
}

/** A rule as shown: what it compiled to has been hit so often; a rule that can never match says why. */
export interface RuleView extends Rule {
  readonly guest?: string
  readonly packets: number | null
  readonly never?: string
}
