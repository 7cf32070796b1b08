/** Sites, their instances and how they change: as it goes over the wire. */
import { z } from 'zod'
import { SiteName } from './app.ts'

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
  readonly old: readonly string[]
  readonly new: readonly string[]
}

/** `ready` gets requests, `draining` finishes those it has. */
export type InstanceState = 'starting' | 'ready' | 'draining' | 'unhealthy' | 'stopped' | 'retiring'
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

export interface Site {
  readonly name: string
  readonly app: string
  readonly stage: string
  readonly revision: number
  readonly created: string
  readonly release: string | null
  readonly run: 'running' | 'stopped'
  readonly state: 'empty' | 'serves' | 'deploying' | 'degraded' | 'down' | 'stopped' | 'removing'
  readonly reason?: string
  readonly count: number
  readonly size: string | null
  readonly domains: readonly string[]
  readonly instances: readonly Instance[]
  readonly rollout: Rollout | null
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
