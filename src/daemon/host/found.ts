/**
 * What bears a number here and has no record: after an older store was put back, or another one begun. Until somebody
 * takes it in again, no new guest gets its number or its uid slot.
 */
import { isCode } from '../../api/errors.ts'
import { reserveFound } from '../../plan/numbers.ts'
import { keys } from '../records/keys.ts'
import { awaitedNumbers } from '../records/moves.ts'
import { type GuestRecord, type NumbersRecord, read, readAll } from '../records/records.ts'
import { readGuestManifest } from './manifest.ts'
import type { HostParts } from './parts.ts'

/** Whether it runs, is defined, or has disks on a pool that is mounted. */
export async function isFound({ runtime, pools }: HostParts, number: number): Promise<boolean> {
  if (await runtime.observe(number)) return true
  for (const name of pools.names) {
    const disks = await mounted(pools.storage(name).holdings(number))
    if (disks && disks.roots.length + disks.snapshots.length > 0) return true
  }
  return false
}

export async function reserveAllFound(parts: HostParts): Promise<void> {
  const { store, host, env } = parts
  for (let tries = 0; ; tries++) {
    const numbers = await read<NumbersRecord>(store, keys.numbers(host.name))
    if (!numbers) return
    const value = reserveFound(numbers.value, await findStrangers(parts), env.now())
    if (value === numbers.value) return
    try {
      await store.transact([{ key: numbers.key, revision: numbers.revision }], [{ put: numbers.key, value }])
      return
    } catch (thrown) {
      if (!isCode(thrown, 'CHANGED_MEANWHILE') || tries > 50) throw thrown
    }
  }
}

async function findStrangers(parts: HostParts): Promise<{ number: number; slot?: number | undefined }[]> {
  const { store, host, runtime, pools } = parts
  const guests = await readAll<GuestRecord>(store, keys.guests(host.name))
  const known = new Set([...guests.map(({ value }) => value.number), ...(await awaitedNumbers(store, host.name))])
  const found: { number: number; slot?: number | undefined }[] = (await runtime.list()).filter(
    ({ number }) => !known.has(number),
  )
  for (const name of pools.names) {
    const inventory = await mounted(pools.storage(name).inventory())
    for (const { number, manifest } of inventory?.guests ?? []) {
      if (known.has(number)) continue
      const slot = readGuestManifest(manifest)?.slot
      found.push({ number, slot: slot === -1 ? undefined : slot })
    }
  }
  return found
}

async function mounted<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked
  } catch (thrown) {
    if (isCode(thrown, 'POOL_MISSING')) return undefined
    throw thrown
  }
}
