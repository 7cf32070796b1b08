/**
 * The pools of this host. One that cannot be mounted is away: guests on it wait, all others live, and each look around
 * tries it again.
 */
import { CroftError, isCode, toCroftError } from '../../api/errors.ts'
import type { PoolState, Storage } from '../../drivers/storage/driver.ts'
import type { Log } from './parts.ts'

export interface Pools {
  readonly names: readonly string[]
  /** Throws POOL_MISSING for a pool that this host does not have; one that is away says so itself when it is used. */
  storage(name: string): Storage
  /** Mounts what is not mounted, side by side; the names of those that came. Asked twice at once, it is done once. */
  bring(): Promise<readonly string[]>
  state(name: string): Promise<PoolState & { readonly reason?: string }>
  /** What to tell of a guest whose disk cannot be reached: which pool, and why. */
  whyAway(name: string): string
}

export function createPools(storages: ReadonlyMap<string, Storage>, log: Log): Pools {
  const open = new Set<string>()
  const reasons = new Map<string, string>()
  let bringing: Promise<readonly string[]> | undefined

  function storage(name: string): Storage {
    const found = storages.get(name)
    if (found) return found
    throw new CroftError('POOL_MISSING', `no pool "${name}" on this host`, { hint: 'croft pool ls' })
  }

  async function bringOne(name: string): Promise<string[]> {
    try {
      if (open.has(name) && (await storage(name).state()).mounted) return []
      open.delete(name)
      await storage(name).open()
      open.add(name)
      if (reasons.delete(name)) log.info({ pool: name }, 'the pool is back')
      return [name]
    } catch (thrown) {
      const reason = reasonOf(toCroftError(thrown))
      if (reasons.get(name) !== reason) log.error({ pool: name, reason }, 'the pool is away; its guests wait for it')
      reasons.set(name, reason)
      return []
    }
  }

  const why = (name: string): string => reasons.get(name) ?? (open.has(name) ? 'not mounted' : 'being mounted')

  return {
    names: [...storages.keys()],
    storage,
    bring() {
      bringing ??= Promise.all([...storages.keys()].map(bringOne))
        .then((came) => came.flat())
        .finally(() => {
          bringing = undefined
        })
      return bringing
    },
    async state(name) {
      const state = open.has(name) ? await storage(name).state() : away
      return state.mounted ? state : { ...state, reason: why(name) }
    },
    whyAway: (name) => `pool ${name} is away: ${why(name)}`,
  }
}

const away: PoolState = { mounted: false, totalBytes: null, freeBytes: null }

/** A tool's own last line, or what croft says of what it found. */
function reasonOf(error: CroftError): string {
  const lines = error.message.split('\n').map((line) => line.trim())
  const own = (line: string) => line !== '' && !line.startsWith('dmesg(1)')
  return (isCode(error, 'COMMAND_FAILED') ? lines.findLast(own) : lines[0]) ?? error.message
}
