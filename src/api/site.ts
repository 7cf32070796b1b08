/** Sites, their instances and how they change: as it goes over the wire. */
import { z } from 'zod'
import { type Origin, SiteName } from './app.ts'
import { HostName } from './values.ts'

export const NewSite = z.strictObject({ name: SiteName })
export type NewSite = z.input<typeof NewSite>

export type RolloutStep = 'queued' | 'start' | 'before' | 'gate' | 'register' | 'drain' | 'retire' | 'return'
export interface Rollout {
  readonly id: string
  readonly site: string
  readonly from: string | null
  readonly to: string | null
  readonly by: string
  readonly created: string
  readonly finished?: string
  readonly state: 'running' | 'done' | 'failed' | 'cancelled'
  readonly step: RolloutStep
  /** Which check failed, and the last lines of the daemon that it asked. */
  readonly reason?: string
  readonly lines?: readonly string[]
  /** Of visitors, while it was walked; absent: nobody came. */
  readonly requests?: { readonly all: number; readonly failed: number }
  /** Who comes behind it. */
  readonly next?: { readonly id: string; readonly by: string; readonly created: string; readonly verb: string }
  readonly old: readonly string[]
  readonly new: readonly string[]
}

/** `ready` gets requests, `draining` finishes those it has; of one that is `away` nothing is known, as of its host. */
export type InstanceState = 'starting' | 'ready' | 'draining' | 'unhealthy' | 'stopped' | 'retiring' | 'away'
export interface Instance {
  /** `shop/prod/2`. */
  readonly name: string
  readonly site: string
  /** The guest's. */
  readonly number: number
  readonly release: string
  readonly state: InstanceState
  readonly host: string
  readonly ipv4: string
  readonly created: string
  readonly reason?: string
}

/** A daemon or a job that ended by itself, and not well; what happens again to the same is counted. */
export interface SiteExit {
  /** `shop/prod/2`. */
  readonly instance: string
  readonly kind: 'daemon' | 'cron'
  readonly name: string
  readonly why: string
  /** The last time. */
  readonly at: string
  readonly times: number
}

export interface Site {
  readonly name: string
  readonly app: string
  readonly stage: string
  readonly revision: number
  readonly created: string
  readonly release: string | null
  readonly run: 'running' | 'stopped'
  readonly state: 'empty' | 'serves' | 'deploying' | 'degraded' | 'away' | 'down' | 'stopped' | 'removing'
  readonly reason?: string
  /** With its lasting data, and the instances that have it. */
  readonly moving?: { readonly to: string }
  readonly count: number
  readonly size: string | null
  readonly domains: readonly string[]
  readonly instances: readonly Instance[]
  readonly rollout: Rollout | null
  /** Of the instances that are there, newest first; absent: none. */
  readonly exits?: readonly SiteExit[]
}

/** Of a site. It is the name of a variable, and of a file that only its instances can read. */
export const SecretName = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]{0,199}$/, 'must be letters, digits and _, not beginning with a digit')
export const mostSecretBytes = 64 * 1024
export const NewSecret = z.strictObject({
  value: z
    .string()
    .min(1, 'must not be empty')
    .refine((text) => text.isWellFormed() && !text.includes('\0'), 'must be text')
    .refine((text) => new TextEncoder().encode(text).length <= mostSecretBytes, 'must be 64 KiB at most'),
})
export type NewSecret = z.input<typeof NewSecret>
/** What can be told of one. */
export interface Secret {
  readonly site: string
  readonly name: string
  readonly by: string
  readonly at: string
}

export interface Release {
  /** `shop:v1.2`. */
  readonly ref: string
  readonly app: string
  readonly version: string
  readonly commit: string | null
  readonly source: string
  readonly platform: string
  readonly state: 'building' | 'ready' | 'failed' | 'removing'
  readonly created: string
  readonly by: string
  readonly buildSeconds: number | null
  readonly sizeBytes: number | null
  /** Of the build's inputs: base, configuration, commit. */
  readonly hash: string
  readonly usedBy: readonly string[]
}

export type BuildStep = 'queued' | 'source' | 'base' | 'build' | 'publish'
export interface Build {
  readonly id: string
  readonly app: string
  readonly version: string | null
  readonly commit: string | null
  readonly source: string
  readonly state: 'running' | 'done' | 'failed' | 'cancelled'
  readonly step: BuildStep
  /** `shop:v1.2`, once there is one. */
  readonly release: string | null
  /** There was one of the same inputs: nothing was built. */
  readonly already?: true
  readonly created: string
  readonly finished?: string
  readonly by: string
  readonly reason?: string
  readonly lines?: readonly string[]
}

const ConfigPath = z
  .string()
  .min(1)
  .max(400)
  .regex(/^[^\p{C}\p{Z}]+$/u, 'must be a path like env.DB_URL')
const ConfigValue = z.union([
  z.string().max(32 * 1024),
  z.number(),
  z.boolean(),
  z.array(z.string().max(4000)).max(200),
])
export const Slot = z.coerce.number().int().min(1).max(1000)
/** `instance` or `host`: said for that one alone. */
export const ConfigChange = z
  .strictObject({
    set: z.record(ConfigPath, ConfigValue).default({}),
    unset: z.array(ConfigPath).max(200).default([]),
    instance: Slot.optional(),
    host: HostName.optional(),
  })
  .refine(({ instance, host }) => instance === undefined || host === undefined, 'is of a host or of an instance')
export type ConfigChange = z.input<typeof ConfigChange>

export interface ConfigLine {
  readonly path: string
  /** As croft.toml would say it: `512M`, `30s`. */
  readonly value: unknown
  /** Absent: nobody said it, croft does it like this. */
  readonly origin?: Origin
  /** What layers below said of it, the nearest first. */
  readonly overridden?: readonly { readonly value: unknown; readonly origin: Origin }[]
}
export interface SiteConfig {
  readonly site: string
  readonly release: string | null
  readonly revision: number
  readonly values: readonly ConfigLine[]
  /** Why it cannot be deployed like this; values are then those that are set. */
  readonly problem?: string
}
export interface ConfigDifference {
  readonly path: string
  readonly now: unknown
  readonly next: unknown
  readonly origin?: Origin
}
