/** Storage in memory with the semantics of the real one. Files of a root are a map; tests write there. */
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { CroftError } from '../../../api/errors.ts'
import type { DiskUsage, Inventory, PoolSpec, Ref, Storage } from '../driver.ts'
import { checkSpec, folders, isNumber, manifestPath, refPath } from '../layout.ts'
import { assertSame } from '../measured.ts'
import { readStream, writeStream } from './transfer.ts'

export interface Root {
  readonly readOnly: boolean
  /** What a difference is told by: of a received one, that of where it comes from. */
  readonly origin: string
  readonly files: Map<string, string>
  limit: number | null
}

export interface FakeStorage extends Storage {
  write(ref: Ref, name: string, text: string): void
  read(ref: Ref, name: string): string | undefined
  /** From now on (or no longer) nothing can be made: POOL_FULL. */
  fill(full: boolean): void
  /** Its disk is gone, and mounting it ends with these words; undefined: it is there again, not mounted. */
  detach(why: string | undefined): void
}

export function createFakeStorage({ pool }: { readonly pool: PoolSpec }): FakeStorage {
  checkSpec(pool)
  const roots = new Map<string, Root>()
  const manifests = new Map<string, unknown>()
  const is: { open: boolean; full: boolean; detached: string | undefined } = {
    open: false,
    full: false,
    detached: undefined,
  }

  const find = (ref: Ref): Root | undefined => {
    const key = refPath(ref)
    if (is.open) return roots.get(key)
    throw new CroftError('POOL_MISSING', `the pool "${pool.name}" is not mounted`, { hint: 'croft pool ls' })
  }
  const get = (ref: Ref): Root => {
    const root = find(ref)
    if (root) return root
    throw new CroftError('NOT_FOUND', `no ${ref.kind} ${ref.id} on the pool`)
  }
  const put = (ref: Ref, root: Root): void => {
    if (is.full) throw new CroftError('POOL_FULL', 'the pool has no room left', { hint: 'croft pool ls' })
    roots.set(refPath(ref), root)
  }

  return {
    name: 'fake',
    async open() {
      if (is.detached !== undefined) throw new CroftError('COMMAND_FAILED', `mount -t: exit 32\n${is.detached}`)
      is.open = true
    },
    async close() {
      is.open = false
    },
    destroy: async () => {
      is.open = false
      roots.clear()
      manifests.clear()
    },
    state: async () =>
      is.open
        ? { mounted: true, totalBytes: pool.sizeBytes ?? 0, freeBytes: is.full ? 0 : (pool.sizeBytes ?? 0) }
        : { mounted: false, totalBytes: null, freeBytes: null },
    path: (ref) => join(pool.mountPoint, refPath(ref)),
    exists: async (ref) => find(ref) !== undefined,
    blockDevice: async () => undefined,
    inventory: async () => {
      find({ kind: 'staging', id: 'anything' })
      return inventoryOf(roots, manifests)
    },
    holdings: async (number) => {
      find({ kind: 'staging', id: 'anything' })
      const guest = inventoryOf(roots, manifests).guests.find((held) => held.number === number)
      return { roots: guest?.roots ?? [], snapshots: guest?.snapshots ?? [], manifest: guest?.manifest ?? null }
    },
    create: async (ref) => {
      if (!find(ref)) put(ref, { readOnly: false, origin: randomUUID(), files: new Map(), limit: null })
    },
    clone: async (from, to, { readOnly }) => {
      if (!find(to)) put(to, { readOnly, origin: randomUUID(), files: new Map(get(from).files), limit: null })
    },
    send: async (ref, { parent, mostBytes } = {}) => writeStream(get(ref), parent && get(parent), mostBytes),
    receive: async (ref, stream, { sha256, mostBytes } = {}) => {
      if (find(ref)) return void stream.destroy()
      const staging: Ref = { kind: 'staging', id: ref.id }
      put(staging, { readOnly: false, origin: randomUUID(), files: new Map(), limit: null })
      try {
        const { measure, ...received } = await readStream(stream, { known: [...roots.values()], mostBytes })
        assertSame(await sha256, measure)
        put(ref, { ...received, readOnly: true, limit: null })
        return measure
      } finally {
        stream.destroy()
        roots.delete(refPath(staging))
      }
    },
    remove: async (ref) => {
      find(ref)
      roots.delete(refPath(ref))
      if (ref.kind === 'template') manifests.delete(manifestPath({ template: ref.id }))
      if (ref.kind === 'volume') manifests.delete(manifestPath({ volume: ref.id }))
      if (!('number' in ref)) return
      const folder = join(folders.guests, String(ref.number))
      if (![...roots.keys()].some((key) => key.startsWith(`${folder}/`))) manifests.delete(join(folder, 'guest.json'))
    },
    limit: async (ref, bytes) => {
      if (bytes !== null && !(Number.isSafeInteger(bytes) && bytes > 0)) {
        throw new CroftError('BAD_VALUE', `${bytes} is no limit in bytes`)
      }
      get(ref).limit = bytes
    },
    usage: async (ref) => usageOf(find(ref)),
    writeManifest: async (of, manifest) => {
      find({ kind: 'staging', id: 'anything' })
      manifests.set(manifestPath(of), structuredClone(manifest))
    },
    write(ref, name, text) {
      const root = get(ref)
      if (root.readOnly) throw new Error('EROFS: read-only file system')
      const used = (usageOf(root)?.usedBytes ?? 0) - (root.files.get(name)?.length ?? 0)
      if (root.limit !== null && used + text.length > root.limit) throw new Error('EDQUOT: disk quota exceeded')
      root.files.set(name, text)
    },
    read: (ref, name) => get(ref).files.get(name),
    fill(full) {
      is.full = full
    },
    detach(why) {
      is.open = false
      is.detached = why
    },
  }
}

function usageOf(root: Root | undefined): DiskUsage | undefined {
  if (!root) return undefined
  const usedBytes = [...root.files.values()].reduce((sum, text) => sum + text.length, 0)
  return { usedBytes, limitBytes: root.limit, ownBytes: root.readOnly ? 0 : usedBytes }
}

function inventoryOf(roots: ReadonlyMap<string, Root>, manifests: ReadonlyMap<string, unknown>): Inventory {
  const under = (folder: string) =>
    [...roots.keys()]
      .filter((key) => key.startsWith(`${folder}/`))
      .map((key) => key.slice(folder.length + 1))
      .sort()
  const numbers = [...roots.keys(), ...manifests.keys()]
    .filter((key) => key.startsWith(`${folders.guests}/`))
    .map((key) => Number(key.split('/')[1]))
  return {
    templates: under(folders.templates).map((id) => ({
      id,
      manifest: manifests.get(manifestPath({ template: id })) ?? null,
    })),
    guests: [...new Set(numbers)]
      .filter(isNumber)
      .sort((a, b) => a - b)
      .map((number) => ({
        number,
        roots: under(`${folders.guests}/${number}/roots`),
        snapshots: under(`${folders.guests}/${number}/snapshots`),
        manifest: manifests.get(manifestPath({ guest: number })) ?? null,
      })),
    volumes: under(folders.volumes).map((id) => ({
      id,
      manifest: manifests.get(manifestPath({ volume: id })) ?? null,
    })),
    staging: under(folders.staging),
  }
}
