/** Records of applications as they lie in the store. */
import type { AppConfig, PlatformName, ResolvedConfig } from '../../api/app.ts'
import type { BuildStep, RolloutStep, SiteExit } from '../../api/site.ts'
import type { Changed } from '../../plan/config/stored.ts'
import type { SlotWish } from '../../plan/deploy.ts'
import type { ServingMember } from '../../plan/members.ts'

export interface AppRecord {
  readonly schema: number
  readonly name: string
  readonly id: string
  readonly created: string
  readonly by: string
  /** Where `croft build shop` looks when nothing is said. */
  readonly git?: { readonly url: string; readonly ref: string }
}

/** Kept in the record of the template that the release is. */
export interface ReleaseFacts {
  readonly app: string
  readonly version: string
  readonly commit: string | null
  readonly source: string
  readonly platform: PlatformName
  /** The layer `app`: croft.toml as it was at that commit. */
  readonly config: AppConfig
  readonly hash: string
  readonly by: string
  readonly build: string
  readonly buildSeconds: number
  /** The template it was built on. */
  readonly base?: string
}

/** Where the code of a build comes from. What was uploaded is gone with the daemon that took it. */
export type BuildSource =
  | { readonly kind: 'git'; readonly url: string; readonly ref: string }
  | {
      readonly kind: 'upload'
      readonly upload: string
      readonly about: string
      readonly commit?: string
      readonly dirty?: true
    }
  | { readonly kind: 'url'; readonly url: string; readonly sha256?: string; readonly byRoot?: true }

export interface BuildRecord {
  readonly schema: number
  readonly id: string
  readonly app: string
  readonly by: string
  readonly created: string
  readonly source: BuildSource
  /** `shop/prod`: what it shall be deployed to, where that is known. */
  readonly site?: string
  /** As it was asked for; without one the source says it. */
  readonly asked?: string
  /** Instead of what croft.toml in the source says. */
  readonly config?: AppConfig
  readonly state: 'running' | 'done' | 'failed' | 'cancelled'
  readonly step: BuildStep
  /** Known when the source was read. */
  readonly version?: string
  readonly commit?: string
  /** How often it was begun: a daemon that dies leaves it to the next one. */
  readonly tries: number
  readonly cancel?: true
  readonly finished?: string
  /** The release; with `already` it was there, of the same inputs. */
  readonly release?: string
  readonly already?: true
  readonly reason?: string
  /** The last ones of what failed. */
  readonly lines?: readonly string[]
}

export interface SiteRecord {
  readonly schema: number
  readonly app: string
  readonly stage: string
  readonly id: string
  readonly created: string
  readonly by: string
  readonly generation: number
  /** What it shall run; a rollout is what changes this once all gates are passed. */
  readonly release: string | null
  readonly run: 'running' | 'stopped'
  /** Newest first: what `rollback` returns to. */
  readonly previous: readonly string[]
  /** Its instances are taken away first, then what is known of it. */
  readonly deleting?: true
  /** Its lasting data, and the instances that have it, are on their way to another host: until then nothing else is done about it. */
  readonly moving?: { readonly to: string }
}

/**
 * What was set: `env.DB_URL` of the layer `stage`; `host ash env.DB_URL` and `instance 2 env.DB_URL` of those layers. Secrets too
 * are changed together with it.
 */
export interface SiteConfigRecord {
  readonly schema: number
  readonly values: Readonly<Record<string, StoredValue>>
}
/** As a configuration holds it. */
export interface StoredValue {
  readonly value: unknown
  readonly by: string
  readonly at: string
}

/** What was set of a site when a release came to serve there. */
export interface RanRecord {
  readonly schema: number
  readonly at: string
  readonly values: SiteConfigRecord['values']
}

/** One sealed text each. */
export interface SiteSecretRecord {
  readonly schema: number
  readonly name: string
  readonly sealed: string
  readonly by: string
  readonly at: string
}

/** Its name, number and id are the guest's. */
export interface Member extends ServingMember {
  readonly slot: number
  readonly release: string
  /** Of all that it was made from; another one is another instance. */
  readonly hash: string
  /** When it came into this state. */
  readonly since: string
  /** Jobs it has that run once for the site. */
  readonly jobs?: readonly string[]
}

/** Whoever may have them going; another one is given them when they are at rest here, or this guest is no more. */
export interface JobsHolder extends Pick<Member, 'id' | 'number' | 'name'> {
  readonly jobs: readonly string[]
  readonly state: 'given' | 'going' | 'resting'
}
/** Who answers for a site now: edges and name servers read this. */
export interface MembersRecord {
  readonly schema: number
  /** The site's. */
  readonly id: string
  readonly members: readonly Member[]
  /** The next instance gets this number; it never falls. */
  readonly next: number
  readonly jobs?: JobsHolder
  /** Of the last rollout that was done: what lost instances are made anew from. */
  readonly serves?: Pick<RolloutRecord, 'to' | 'hash' | 'config' | 'slots'>
}

export interface RolloutRecord {
  readonly schema: number
  readonly id: string
  readonly site: string
  readonly from: string | null
  readonly to: string
  readonly by: string
  readonly created: string
  readonly finished?: string
  readonly config: ResolvedConfig
  /** Places for instances; `hash` is of all that one in it is made from, `config` its own where that is another one. */
  readonly slots: readonly {
    readonly slot: number
    readonly hash: string
    readonly config?: ResolvedConfig
    /** On hosts that say something of their own. */
    readonly hosts?: SlotWish['hosts']
  }[]
  /** Of release and configuration: the same again changes nothing. */
  readonly hash: string
  /** How many instances each wave replaces; absent: all at once. */
  readonly waves?: readonly number[]
  /** Host by host: in which order the places come, and where what is new is put when it has room there. */
  readonly order?: readonly { readonly slot: number; readonly host: string | null }[]
  /** So long what is new must stay well after each wave. */
  readonly holdSeconds?: number
  readonly state: 'running' | 'done' | 'failed' | 'cancelled'
  readonly step: RolloutStep
  /** When this step began. */
  readonly since: string
  readonly cancel?: true
  /** The step before traffic has ended well. */
  readonly before?: 'done'
  /** It replaces what was lost, by nobody's wish. */
  readonly repair?: true
  /** All that was set when it was decided; absent of one that nobody asked for. */
  readonly set?: SiteConfigRecord['values']
  /** To what ran before. */
  readonly back?: true
  /** What going back changed of what is set. It is undone when this does not succeed; `undone` is when. */
  readonly putBack?: Changed & { readonly undone?: true }
  /** Another number of instances alone was asked for: how many there were. */
  readonly countBefore?: number
  /** It is decided when this one has ended, on what is then. */
  readonly next?: QueuedDeploy
  /** Of visitors, while it was walked. */
  readonly requests?: { readonly all: number; readonly failed: number }
  readonly reason?: string
  readonly lines?: readonly string[]
  readonly old: readonly string[]
  readonly new: readonly string[]
}

export interface QueuedDeploy {
  /** The rollout's that it will be, and of the operation that waits for it. */
  readonly id: string
  readonly by: string
  readonly created: string
  readonly verb: string
  readonly asked: {
    readonly version?: string
    readonly instances?: number
    readonly size?: string
    readonly domains?: readonly string[]
    readonly waves?: string
    readonly hold?: number
    readonly anew?: boolean
    readonly back?: 'all' | 'code'
  }
}

/** What of its daemons and jobs ended by itself. */
export interface SiteExitsRecord {
  readonly schema: number
  readonly exits: readonly SiteExit[]
}

/** What is put on a guest's disk before its first start; sealed as a whole, for it holds secrets. */
export interface SeedRecord {
  readonly schema: number
  readonly id: string
  /** JSON of SeedFile[], sealed under the record's key. */
  readonly sealed: string
}

/** Lasting data of a site on one host. */
export interface VolumeRecord {
  readonly schema: number
  readonly id: string
  readonly site: string
  readonly name: string
  readonly sizeBytes: number
  readonly created: string
  readonly deleting?: true
}
