/** The smaller resources, one after another: each is its request schemas and the record as it goes over the wire. */
import { z } from 'zod'
import type { EdgeSettings } from './edge.ts'
import type { ErrorBody } from './errors.ts'
import type { Init } from './guest.ts'
import { AnyGuestName } from './part.ts'
import { FarmName, HostName, Listen, OneLine, PublicKey, SizeBytes, SnapshotName, TemplateRef } from './values.ts'

export const NewSnapshot = z.strictObject({ name: SnapshotName.optional() })
export interface Snapshot {
  readonly guest: string
  readonly name: string
  readonly id: string
  readonly number: number
  readonly created: string
  readonly state: 'taking' | 'ready' | 'removing' | 'lost'
  readonly sizeBytes: number | null
}

const Package = z.string().regex(/^[a-z0-9][a-z0-9+.-]{0,80}$/, 'must be the name of a package')
/** `script` runs inside the new root, as its last step, by the root's own shell. `from` defaults to what the name says. */
export const TemplateBuild = z.strictObject({
  ref: TemplateRef.refine((ref) => ref.includes(':'), 'must name a version, like debian:12'),
  from: z
    .string()
    .regex(/^(debian|ubuntu):[a-z0-9.]{1,20}$/, 'must look like debian:12 or ubuntu:24.04')
    .optional(),
  packages: z.array(Package).max(200).default([]),
  script: z
    .string()
    .max(64 * 1024)
    .refine((text) => text.isWellFormed() && !text.includes('\0'), 'must be text without a zero byte')
    .optional(),
  mirror: z
    .string()
    .max(300)
    .regex(
      /^https?:\/\/[A-Za-z0-9.:-]+(\/[A-Za-z0-9._~%+/-]*)?$/,
      'must be the address of a mirror, like http://deb.debian.org/debian',
    )
    .optional(),
})
export type TemplateBuild = z.input<typeof TemplateBuild>
const Sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'must be a sha256: 64 of 0-9 and a-f')
export const UploadId = z.string().regex(/^[a-z0-9]{8,40}$/, 'must be the id of an upload')
const defaultLimitBytes = 16 * 1024 ** 3
export const LimitBytes = SizeBytes.refine((bytes) => bytes <= 4 * 1024 ** 4, 'must be at most 4T')

/** A file on its way in. What is not used soon goes. */
export interface Upload {
  readonly id: string
  readonly bytes: number
  readonly sha256: string
}

/** From an upload, or from an address; of what comes from an address the hash must be named. */
export const TemplateImport = z
  .strictObject({
    upload: UploadId.optional(),
    url: z
      .string()
      .max(2000)
      .regex(/^https?:\/\/[\x21-\x3f\x41-\x7e]+$/, 'must be an http or https address without user or password')
      .optional(),
    sha256: Sha256.optional(),
    limitSize: LimitBytes.default(defaultLimitBytes),
    limitFiles: z.coerce.number().int().min(1).max(2_000_000).default(500_000),
  })
  .refine(({ upload, url }) => upload === undefined || url === undefined, 'must name an upload or a url, not both')
  .refine(({ url, sha256 }) => url === undefined || sha256 !== undefined, {
    error: 'must be named for what comes from an address',
    path: ['sha256'],
  })
export type TemplateImport = z.input<typeof TemplateImport>

/** The guest's disk as it is now, or as it was at a snapshot, without what makes it that guest. */
export const TemplatePublish = z.strictObject({ guest: AnyGuestName, snapshot: SnapshotName.optional() })
export type TemplatePublish = z.input<typeof TemplatePublish>

export interface Template {
  readonly ref: string
  readonly id: string
  readonly created: string
  /** Not made by anybody’s word: a release of an application, or what builds begin with. */
  readonly of?: 'release' | 'base'
  readonly state: 'building' | 'ready' | 'failed' | 'removing'
  readonly reason?: string
  readonly source: {
    readonly from: string
    readonly packages: readonly string[]
    readonly script?: string
    readonly mirror?: string
  }
  /** What guests made from it start; null until it is known. */
  readonly init: Init | null
  readonly sizeBytes: number | null
  readonly sha256: string | null
  readonly usedBy: readonly string[]
}

/** The pool's source: nothing (a sparse file of `size`), a directory on btrfs, or an empty device with `erase` set to its name. */
export const NewFarm = z.strictObject({
  name: FarmName.optional(),
  pool: z
    .strictObject({
      kind: z.enum(['file', 'directory', 'device']),
      path: z
        .string()
        .max(500)
        .regex(/^\/[^\p{C}\p{Zl}\p{Zp}]*$/u, 'must be an absolute path')
        .optional(),
      size: SizeBytes.optional(),
      erase: OneLine.optional(),
    })
    .optional(),
  prefix4: z
    .string()
    .regex(
      /^(10\.(\d|[1-9]\d|1\d\d|2[0-4]\d|25[0-5])|172\.(1[6-9]|2\d|3[01])|192\.168|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7]))\.0\.0\/16$/,
      'must be a private /16 like 10.100.0.0/16',
    )
    .optional(),
  keys: z.array(PublicKey).max(100).optional(),
  listen: Listen.optional(),
})
export type NewFarm = z.input<typeof NewFarm>
export interface Farm {
  readonly name: string
  readonly id: string
  readonly created: string
  readonly prefix4: string
  readonly prefix6: string
  readonly keys: readonly string[]
  /** Where its hosts wait for requests from outside; absent: nowhere. */
  readonly listen?: string
  /** What was set of the HTTPS edge. */
  readonly edge?: EdgeSettings
  /** How hosts reach each other's guests; absent: `wireguard`. */
  readonly mesh?: 'wireguard' | 'none'
}

/** Percent of the last 10 and 60 seconds in which at least one process, or all, waited; and the seconds since boot. */
export interface Pressure {
  readonly some10: number
  readonly some60: number
  readonly someSeconds: number
  readonly full10: number
  readonly full60: number
  readonly fullSeconds: number
}
export interface HostPressure {
  readonly cpu: Pressure
  readonly memory: Pressure
  readonly io: Pressure
}

export interface Pool {
  readonly name: string
  readonly host: string
  readonly kind: 'file' | 'directory' | 'device'
  readonly source: string
  readonly mounted: boolean
  /** Why it is away. */
  readonly reason?: string
  readonly totalBytes: number | null
  readonly freeBytes: number | null
}

export type { Network } from './network.ts'
export type { Size } from './size.ts'

export interface Operation {
  readonly id: string
  readonly verb: string
  readonly target: { readonly kind: string; readonly name: string }
  /** Whose daemon works on it. */
  readonly host?: string
  readonly by: string
  readonly state: 'running' | 'done' | 'failed' | 'cancelled'
  readonly created: string
  readonly finished?: string
  readonly progress?: {
    readonly label: string
    readonly done?: number
    readonly total?: number
    readonly unit?: string
  }
  readonly log: readonly string[]
  readonly error?: ErrorBody
}

/** What every change answers. With `?dryRun=1` nothing is written and `steps` says what would be done. */
export interface Accepted<T = unknown> {
  readonly operation: Operation | null
  readonly result: T | null
  /** What was done all the same: one line each. */
  readonly warnings?: readonly string[]
  readonly steps?: readonly PlannedStep[]
  /** It was so already. */
  readonly unchanged?: true
}
export interface PlannedStep {
  readonly what: string
  readonly step: string
  readonly detail: string
}

export interface HistoryEntry {
  readonly revision: number
  readonly at: string
  readonly by: string
  readonly kind: string
  readonly name: string
  readonly verb: string
  readonly reason?: string
  readonly before: unknown
  readonly after: unknown
}
/** Of what history tells: `guest`, and `web`; `template`, and `debian:12`; `data`, and a key. */
export const RecordKind = z.string().regex(/^[a-z]{1,40}$/, 'must be a kind of record, like guest')
export const RecordName = z
  .string()
  .max(500)
  .regex(/^[a-z0-9*:[][a-z0-9._:/@*[\]-]*$/i, 'must be the name of a record')
export const Revert = z.strictObject({
  kind: RecordKind,
  name: RecordName,
  revision: z.number().int().positive(),
})

export interface Finding {
  readonly check: string
  readonly verdict: 'ok' | 'warn' | 'red'
  readonly evidence: string
  readonly mend?: string
}

/** What the doctor may mend by itself, named as in the mend of a finding. */
export const NewMend = z.strictObject({ fix: z.enum(['docker', 'sysctl', 'subuid', 'pool-mount']) })
export type MendName = z.infer<typeof NewMend>['fix']

export interface Status {
  readonly farm: Farm | null
  readonly host: string
  readonly version: string
  readonly store: { readonly kind: string; readonly revision: number; readonly ok: boolean }
  readonly guests: Readonly<Record<string, number>>
  readonly pressure: HostPressure | null
  readonly attention: readonly Attention[]
  readonly sites?: readonly SiteNow[]
}

/** A site on the farm's one screen. */
export interface SiteNow {
  readonly name: string
  readonly state: string
  readonly ready: number
  readonly count: number
  readonly release: string | null
}

/** What needs somebody: a thing, why, and the next command. */
export interface Attention {
  readonly what: string
  readonly why: string
  readonly do: string
}

export interface DataEntry {
  readonly key: string
  readonly revision: number
  readonly value: unknown
}
export const DataKey = z
  .string()
  .max(500)
  .regex(/^[a-z0-9*:[][a-z0-9._:/@*[\]-]*$/i, 'must be a key of the store')
export const NewData = z.strictObject({ value: z.unknown() })
export { HostName, OneLine }
