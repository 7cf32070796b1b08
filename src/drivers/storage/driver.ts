/**
 * Storage: the disks of guests on one pool. Everything is addressed by a Ref made of ids and numbers, never by a name
 * that people typed. Every method is idempotent: told twice, it does nothing the second time.
 */
import type { Readable } from 'node:stream'

export type Ref =
  | { readonly kind: 'template'; readonly id: string }
  | { readonly kind: 'root'; readonly number: number; readonly id: string }
  | { readonly kind: 'snapshot'; readonly number: number; readonly id: string }
  /** Lasting data, of no guest alone. */
  | { readonly kind: 'volume'; readonly id: string }
  /** Work not finished yet; whatever is found here at a start of the daemon is swept away. */
  | { readonly kind: 'staging'; readonly id: string }

export interface PoolSpec {
  readonly name: string
  readonly kind: 'file' | 'directory' | 'device'
  /** The sparse file, the directory on a btrfs, or the device. */
  readonly source: string
  /** Where it is mounted (kind directory: the directory itself). 0700. */
  readonly mountPoint: string
  /** For a file that croft makes. */
  readonly sizeBytes?: number
  /** A device is formatted only when this equals its path, and never when it holds something. */
  readonly erase?: string
}

export interface PoolState {
  readonly mounted: boolean
  readonly totalBytes: number | null
  /** What guests can still write: for a sparse file never more than the disk below has left. */
  readonly freeBytes: number | null
  /** One line for people, when something is wrong but works. */
  readonly warning?: string
}

/** What lies on the pool. `templates` and `roots` carry the manifest that was left beside them, when readable. */
export interface Inventory {
  readonly templates: readonly { readonly id: string; readonly manifest: unknown }[]
  readonly guests: readonly ({
    readonly number: number
  } & Holdings)[]
  readonly volumes: readonly { readonly id: string; readonly manifest: unknown }[]
  readonly staging: readonly string[]
}

export interface Holdings {
  readonly roots: readonly string[]
  readonly snapshots: readonly string[]
  /** As it was left beside them; null without one. */
  readonly manifest: unknown
}

export type ManifestOf = { readonly template: string } | { readonly guest: number } | { readonly volume: string }

export interface DiskUsage {
  readonly usedBytes: number
  readonly limitBytes: number | null
  /** What nobody else has, and goes with it; of a snapshot nothing where only what was written is counted (simple quotas). */
  readonly ownBytes: number
}

/** What went over a wire. */
export interface Measure {
  readonly bytes: number
  readonly sha256: string
}

export interface Sending {
  /** Ends with an error when the disk could not be read to its end. */
  readonly stream: Readable
  /** Settles when the stream has ended. */
  readonly sent: Promise<Measure>
}

export interface SendOptions {
  /** A read-only disk that the other pool has as well, from the same origin: only what differs is sent. */
  readonly parent?: Ref
  /** A stream that is longer breaks off: TOO_LARGE. */
  readonly mostBytes?: number | undefined
  readonly signal?: AbortSignal
}

export interface ReceiveOptions {
  /** What the sender says that it sent; known when the stream has ended. */
  readonly sha256?: string | Promise<string>
  /** Of a stream that is longer nothing is kept: TOO_LARGE. */
  readonly mostBytes?: number | undefined
  readonly signal?: AbortSignal
}

export interface Storage {
  readonly name: string
  /** Makes (first time), mounts (after a reboot) and checks the pool; enables quotas. Throws POOL_MISSING, REFUSED. */
  open(): Promise<void>
  /** Unmounts what `open` mounted. Data stays. */
  close(): Promise<void>
  /** Unmounts and deletes all that croft made for this pool (its file; its folders). For `quickstart --down` and uninstall. */
  destroy(): Promise<void>
  state(): Promise<PoolState>
  /** `major:minor` of the disk below, for limits of its rate; undefined when there is none, or several. */
  blockDevice(): Promise<string | undefined>
  /** The path of a ref's root directory on the host. Never opened below by croft itself. */
  path(ref: Ref): string
  /** True or false only when certain; throws POOL_MISSING when the pool is not mounted. */
  exists(ref: Ref): Promise<boolean>
  inventory(): Promise<Inventory>
  /** What one guest has on the pool; a few folders are read. */
  holdings(number: number): Promise<Holdings>
  /** An empty writable root, for a template being built, or a volume: that is whole or absent, and `owner`'s of the guests that have it. */
  create(ref: Ref, owner?: number): Promise<void>
  /** A copy on write, complete or absent whenever it is looked at. `readOnly` for snapshots and templates. POOL_FULL, NOT_FOUND. */
  clone(from: Ref, to: Ref, options: { readonly readOnly: boolean }): Promise<void>
  /** A read-only disk as a stream, for another pool of the same kind. NOT_FOUND, REFUSED for one that can be written. */
  send(ref: Ref, options?: SendOptions): Promise<Sending>
  /**
   * Makes a read-only disk of a stream: whole and with the right hash, or absent, with at most something in staging. Undefined
   * when it is there already: then nothing is read. HASH_DIFFERS, POOL_FULL; NOT_FOUND when what it differs from is not here.
   */
  receive(ref: Ref, stream: Readable, options?: ReceiveOptions): Promise<Measure | undefined>
  /** Nested subvolumes too, deepest first; lifts the limit before. Gone is fine. A guest's last ref takes its folder along; what is sent of it breaks off. */
  remove(ref: Ref): Promise<void>
  /** Bytes a guest's root may hold by itself; null lifts it. */
  limit(ref: Ref, bytes: number | null): Promise<void>
  usage(ref: Ref): Promise<DiskUsage | undefined>
  /** Written atomically beside the disk of a template, volume or guest (mode 0600), for adoption when the record is lost. */
  writeManifest(of: ManifestOf, manifest: unknown): Promise<void>
}
