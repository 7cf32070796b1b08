/** The start of a farm: its records, written once in one transaction after the pool is open. */

import type { z } from 'zod'
import { CroftError } from '../api/errors.ts'
import type { NewFarm, NewFarm as NewFarmInput } from '../api/resources.ts'
import type { PoolSpec } from '../drivers/storage/driver.ts'
import { defaultUidBase } from '../plan/addresses.ts'
import { historyWrites } from '../store/history.ts'
import type { Store, Write } from '../store/store.ts'
import { type Env, timestamp } from './env.ts'
import { keys } from './records/keys.ts'
import {
  type BlocksRecord,
  type FarmRecord,
  type HostRecord,
  type NumbersRecord,
  type PoolRecord,
  type SizeRecord,
  schemaVersion,
} from './records/records.ts'
import type { Settings } from './settings.ts'

export const defaultPrefix4 = '10.100.0.0/16'
const defaultPoolBytes = 20 * 1024 ** 3
const mib = 1024 ** 2
const gib = 1024 ** 3

const sizes: readonly SizeRecord[] = [
  { schema: 1, name: 'tiny', memoryBytes: 256 * mib, cpus: 1, diskBytes: 4 * gib, processes: 500 },
  { schema: 1, name: 'small', memoryBytes: gib, cpus: 1, diskBytes: 10 * gib, processes: 1000 },
  { schema: 1, name: 'medium', memoryBytes: 4 * gib, cpus: 2, diskBytes: 40 * gib, processes: 4000 },
  { schema: 1, name: 'large', memoryBytes: 16 * gib, cpus: 8, diskBytes: 160 * gib, processes: 16000 },
]

/** What `croft init` asked for, made whole with the defaults. */
export function planPool(settings: Settings, pool: z.output<typeof NewFarm>['pool']): PoolSpec {
  const mountPoint = `${settings.stateDir}/pools/default`
  const kind = pool?.kind ?? 'file'
  if (kind === 'file')
    return {
      name: 'default',
      kind,
      source: pool?.path ?? `${settings.stateDir}/pools/default.img`,
      mountPoint,
      sizeBytes: pool?.size ?? defaultPoolBytes,
    }
  if (pool?.path === undefined)
    throw new CroftError('BAD_VALUE', `a pool of kind ${kind} needs its path`, {
      hint: `croft init --pool ${kind} --pool-path PATH`,
    })
  if (kind === 'directory') return { name: 'default', kind, source: pool.path, mountPoint: pool.path }
  return {
    name: 'default',
    kind,
    source: pool.path,
    mountPoint,
    ...(pool.erase === undefined ? {} : { erase: pool.erase }),
  }
}

export interface FarmPlan {
  readonly settings: Settings
  readonly asked: NewFarmInput
  readonly pool: PoolSpec
  readonly by: string
}

export async function writeFarm(env: Env, store: Store, { settings, asked, pool, by }: FarmPlan): Promise<void> {
  const created = timestamp(env)
  const random = env.randomHex(5)
  const farm: FarmRecord = {
    schema: schemaVersion,
    name: asked.name ?? 'farm',
    id: env.uuid(),
    created,
    prefix4: asked.prefix4 ?? defaultPrefix4,
    // A locally assigned ULA prefix with 40 random bits, RFC 4193.
    prefix6: `fd${random.slice(0, 2)}:${shortened(random.slice(2, 6))}:${shortened(random.slice(6, 10))}:1::/64`,
    keys: asked.keys ?? [],
    ...(asked.listen === undefined ? {} : { listen: asked.listen }),
  }
  const host: HostRecord = { schema: schemaVersion, name: settings.hostName, number: 1, uidBase: defaultUidBase }
  const numbers: NumbersRecord = { schema: schemaVersion, blocks: [0], next: 1, used: [], resting: [], slots: [] }
  const writes: Write[] = [
    { put: keys.farm, value: farm },
    { put: keys.host(host.name), value: host },
    { put: keys.numbers(host.name), value: numbers },
    { put: keys.blocks, value: { schema: schemaVersion, taken: { 0: host.name } } satisfies BlocksRecord },
    { put: keys.pool(host.name, pool.name), value: { schema: schemaVersion, ...pool } satisfies PoolRecord },
    ...sizes.map((size): Write => ({ put: keys.size(size.name), value: size })),
    ...historyWrites(
      { at: created, by, kind: 'farm', name: farm.name, verb: 'init', before: null, after: farm },
      env.id().slice(0, 8),
    ),
  ]
  await store.transact([{ key: keys.farm, revision: 0 }], writes)
}

/** As every tool prints it: without leading zeros (RFC 5952). */
const shortened = (group: string): string => Number.parseInt(group, 16).toString(16)
