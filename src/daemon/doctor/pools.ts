/** Pools: mounted, with room, counting what guests use, on a disk that returned all it was given. */
import { basename } from 'node:path'
import type { Finding } from '../../api/resources.ts'
import { findMount, parseMountInfo } from '../../drivers/storage/btrfs/parse.ts'
import type { PoolState } from '../../drivers/storage/driver.ts'
import { keys } from '../records/keys.ts'
import { type PoolRecord, readAll } from '../records/records.ts'
import { gibibytes, ok, red, type Theme, warn } from './finding.ts'
import type { Look } from './look.ts'

export interface PoolFacts {
  readonly name: string
  readonly mountPoint: string
  readonly state: PoolState & { readonly reason?: string }
  /** Undefined when the file system did not tell. */
  readonly counting: 'on' | 'off' | 'inconsistent' | undefined
  /** Errors that the disk made since the counters were last reset. */
  readonly diskErrors: number
}

const fewFree = 0.1
const leastFree = 0.02

export const pools: Theme = {
  name: 'pool',
  async examine(look, { open }) {
    if (!open) return []
    const records = await readAll<PoolRecord>(open.parts.store, keys.pools(open.parts.host.name))
    const facts = await Promise.all(
      records.map(async ({ value: { name, mountPoint } }) => {
        const state = await open.parts.pools.state(name)
        return { name, mountPoint, state, ...(await readFileSystem(look, mountPoint)) }
      }),
    )
    return facts.flatMap(judgePool)
  },
}

export function judgePool({ name, mountPoint, state, counting, diskErrors }: PoolFacts): Finding[] {
  const { mounted, totalBytes, freeBytes, warning, reason = `it is not mounted on ${mountPoint}` } = state
  if (!mounted) {
    const mend = 'attach its disk: it is mounted within 30 s, or now by croft doctor --fix pool-mount'
    return [red('pool', `${name} is away, its guests wait: ${reason}`, mend)]
  }
  const wrong: Finding[] = []
  if (totalBytes !== null && freeBytes !== null && freeBytes < fewFree * totalBytes) {
    const verdict = freeBytes < leastFree * totalBytes ? red : warn
    wrong.push(
      verdict(
        'pool',
        `${name} has ${gibibytes(freeBytes)} of ${gibibytes(totalBytes)} left`,
        'remove snapshots or guests: croft snapshot ls',
      ),
    )
  }
  if (warning !== undefined)
    wrong.push(warn('pool', warning, 'make room on that disk, or move the pool to a larger one'))
  if (counting === 'off')
    wrong.push(
      red(
        'pool',
        `${name} does not count what guests use: their limits do not hold`,
        `btrfs quota enable ${mountPoint}`,
      ),
    )
  if (counting === 'inconsistent')
    wrong.push(warn('pool', `${name} counted wrong what guests use`, `btrfs quota rescan ${mountPoint}`))
  if (diskErrors > 0)
    wrong.push(
      red(
        'pool',
        `the disk of ${name} made ${diskErrors} errors`,
        `btrfs device stats ${mountPoint}; btrfs scrub start ${mountPoint}`,
      ),
    )
  const room = freeBytes === null ? '' : `, ${gibibytes(freeBytes)} left`
  return wrong.length > 0 ? wrong : [ok('pool', `${name} on ${mountPoint}${room}`)]
}

async function readFileSystem(look: Look, mountPoint: string): Promise<Pick<PoolFacts, 'counting' | 'diskErrors'>> {
  const mount = findMount(parseMountInfo((await look.text('/proc/self/mountinfo')) ?? ''), mountPoint)
  for (const uuid of mount ? await look.names('/sys/fs/btrfs') : []) {
    const folder = `/sys/fs/btrfs/${uuid}`
    if (!(await look.names(`${folder}/devices`)).includes(basename(mount?.source ?? ''))) continue
    return { counting: await readCounting(look, folder), diskErrors: await readDiskErrors(look, folder) }
  }
  return { counting: undefined, diskErrors: 0 }
}

async function readCounting(look: Look, folder: string): Promise<PoolFacts['counting']> {
  if ((await look.text(`${folder}/qgroups/enabled`))?.trim() !== '1') return 'off'
  return (await look.text(`${folder}/qgroups/inconsistent`))?.trim() === '1' ? 'inconsistent' : 'on'
}

async function readDiskErrors(look: Look, folder: string): Promise<number> {
  let sum = 0
  for (const device of await look.names(`${folder}/devinfo`)) {
    const text = (await look.text(`${folder}/devinfo/${device}/error_stats`)) ?? ''
    for (const match of text.matchAll(/^\w+ (\d+)$/gm)) sum += Number(match[1])
  }
  return sum
}
