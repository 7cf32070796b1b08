/** Records as they lie in the store, and how to read them. `schema` is the version; older ones are upgraded on read. */
import type { RouteSpec } from '../../api/edge.ts'
import { CroftError } from '../../api/errors.ts'
import type { GuestSpec, GuestStatus, Init } from '../../api/guest.ts'
import type { Placed } from '../../api/placement.ts'
import type { Farm, Size, Template } from '../../api/resources.ts'
import type { ReadLimits } from '../../drivers/image/driver.ts'
import type { Surroundings } from '../../drivers/network/driver.ts'
import type { PoolSpec, Ref } from '../../drivers/storage/driver.ts'
import type { Held as ClaimHeld } from '../../plan/domains.ts'
import type { Promised, PromiseSettings } from '../../plan/promised.ts'
import type { Entry, Store } from '../../store/store.ts'
import type { ReleaseFacts } from './app-records.ts'
import { keys } from './keys.ts'

export const schemaVersion = 1

export interface GuestRecord {
  readonly schema: number
  readonly name: string
  readonly number: number
  readonly slot: number
  readonly id: string
  readonly host: string
  readonly generation: number
  readonly created: string
  readonly deleting?: true
  readonly placed?: Placed
  /** On its way to another host; `quiet`: it is down for the last of it. */
  readonly moving?: { readonly to: string; readonly quiet?: true }
  readonly spec: GuestSpec
}

export interface SnapshotRecord {
  readonly schema: number
  readonly id: string
  readonly name: string
  readonly guest: string
  readonly number: number
  readonly rootId: string
  readonly created: string
  readonly deleting?: true
}
export interface SnapshotStatus {
  readonly state: 'ready' | 'lost'
  readonly at: string
  /** `web@monday`: events tell it. */
  readonly name?: string
}

/** How a template comes to be that is not built; a source that is gone cannot be had again. */
export type Making =
  | {
      readonly kind: 'import'
      readonly upload?: string
      readonly url?: string
      /** Root on the host asked: the address may be one of its own. */
      readonly byRoot?: true
      readonly sha256?: string
      readonly limits: ReadLimits
    }
  | { readonly kind: 'publish'; readonly from: Exclude<Ref, { kind: 'template' | 'staging' }>; readonly init?: Init }

export interface TemplateRecord {
  readonly schema: number
  readonly ref: string
  readonly id: string
  readonly created: string
  readonly source: Template['source']
  /** Which host makes it. */
  readonly host?: string
  /** Absent for one that is built from its source. */
  readonly making?: Making
  /** It is a release of an application. */
  readonly release?: ReleaseFacts
  readonly deleting?: true
}
export interface TemplateStatus {
  readonly state: 'ready' | 'failed'
  readonly at: string
  /** `debian:12`: events tell it. */
  readonly name?: string
  readonly reason?: string
  readonly sizeBytes?: number
  readonly sha256?: string
  readonly init?: Init
}

export interface NameRecord {
  readonly kind: 'guest'
  readonly host: string
  readonly number: number
}

/** The numbers of a host: its blocks of 256, the cursor, the freed ones at rest, and the uid slots in use. */
export interface NumbersRecord {
  readonly schema: number
  readonly blocks: readonly number[]
  readonly next: number
  readonly used: readonly number[]
  readonly resting: readonly (readonly [number: number, until: number])[]
  readonly slots: readonly number[]
  /** To all its guests together; absent in records of older daemons, and made with the next change. */
  readonly promised?: Promised
}

export interface HostRecord extends PromiseSettings {
  readonly schema: number
  readonly name: string
  readonly number: number
  readonly uidBase: number
  /** `IP:PORT` of its door, for the other hosts. */
  readonly address?: string
  /** Hash of the public key that it proves itself by; absent until a daemon that knows of it has written it. */
  readonly key?: string
  readonly mesh?: { readonly kind: 'wireguard' | 'none'; readonly publicKey: string; readonly endpoint: string }
  readonly tags?: readonly string[]
  /** Bytes of disks that may leave it in a second. */
  readonly sendRate?: number
  /** Takes no new guests. */
  readonly drained?: true
  /** Votes in the store, and runs nothing. */
  readonly witness?: true
  /** When it was declared dead: nobody believes it any more. */
  readonly dead?: string
}

/** What a host can take, as it says itself: written when it changes, and each minute. */
export interface FactsRecord {
  readonly schema: number
  readonly at: string
  readonly cpus: number
  /** Of the last minute. */
  readonly load: number
  readonly memory: { readonly totalBytes: number; readonly freeBytes: number }
  /** Those that are mounted. */
  readonly pools: Readonly<Record<string, { readonly totalBytes: number; readonly freeBytes: number }>>
  /** Ids of templates that lie there. */
  readonly templates: readonly string[]
  /** Absent in those of older daemons, as are those below. */
  readonly around?: Surroundings
  /** Devices that a network of the site could be on. */
  readonly uplinks?: readonly string[]
  /** Why no network can be there all the same. */
  readonly untagged?: string
}

/** Which host leases which block of 256 numbers of the farm. */
export interface BlocksRecord {
  readonly schema: number
  readonly taken: Readonly<Record<string, string>>
}

/** Who may come from outside. What proves it is kept as its SHA-256: right for 256 random bits, which nobody can guess. */
export interface TokenRecord {
  readonly schema: number
  readonly name: string
  /** Absent: a token. A certificate's hash is its fingerprint. */
  readonly kind?: 'certificate'
  /** Of a certificate: the fingerprint of the CA that signed it. Absent in those that an older croft has made. */
  readonly ca?: string
  readonly role: 'operator' | 'reader'
  readonly hash: string
  readonly created: string
  readonly by: string
  /** When it ends; of a login token, when the login must have been. */
  readonly expires: string | null
  /** Of a login token: how long what it is exchanged for shall live. */
  readonly login?: { readonly lifeMs: number | null }
}

export interface RouteRecord {
  readonly schema: number
  readonly name: string
  /** Of the route for its life: what the edge calls it. */
  readonly id: string
  readonly created: string
  readonly by: string
  /** The site whose configuration has made it. */
  readonly site?: string
  readonly spec: RouteSpec
}
/** What proves the users of a route: crypt(3) hashes. */
export interface RouteUsersRecord {
  readonly schema: number
  readonly users: Readonly<Record<string, string>>
}
/** What a host name is claimed for, by which route. */
export interface DomainRecord {
  readonly schema: number
  readonly held: readonly ClaimHeld[]
}

export type FarmRecord = Farm & { readonly schema: number }
export type PoolRecord = PoolSpec & { readonly schema: number }
export type SizeRecord = Size & { readonly schema: number }

/** A record with the revision of its last write, for comparisons. */
export interface Held<T> {
  readonly key: string
  readonly revision: number
  readonly value: T
}

/** Upgrades belong here, one per schema version, when there is a second one. What a newer croft wrote is not guessed at. */
function held<T>({ key, revision, value }: Entry): Held<T> {
  const schema = (value as { readonly schema?: unknown } | null)?.schema
  if (typeof schema === 'number' && schema > schemaVersion) throw tooNew(`the record ${key}`, schema)
  return { key, revision, value: value as T }
}

export const tooNew = (what: string, schema: number): CroftError =>
  new CroftError(
    'REFUSED',
    `${what} has schema ${schema}; this croft knows up to ${schemaVersion}: a newer croft wrote it`,
    {
      hint: 'install that croft again; the way back to this one: the copies of the store (docs/guides/install.md)',
    },
  )

/** Before anything of a store is used or changed: all that wishes and facts are made of can be read. */
export async function assertReadable(store: Store): Promise<void> {
  for (const prefix of keys.readFirst) await readAll(store, prefix)
}

export async function read<T>(store: Store, key: string): Promise<Held<T> | undefined> {
  const { entry } = await store.get(key)
  return entry && held<T>(entry)
}

export async function readAll<T>(store: Store, prefix: string): Promise<Held<T>[]> {
  const found: Held<T>[] = []
  let after: string | undefined
  do {
    const page = await store.list(prefix, after === undefined ? {} : { after })
    for (const entry of page.entries) found.push(held<T>(entry))
    after = page.next
  } while (after !== undefined)
  return found
}

export type StatusOf = GuestStatus
