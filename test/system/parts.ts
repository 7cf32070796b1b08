/** Instances without a rollout: what its loop would write, written beside a daemon that does not run. */
import { join } from 'node:path'
import type { SeedFile } from '../../src/api/app.ts'
import type { GuestPart, GuestSpec } from '../../src/api/guest.ts'
import { systemEnv } from '../../src/daemon/env.ts'
import { openSeal } from '../../src/daemon/pki/seal.ts'
import { keys } from '../../src/daemon/records/keys.ts'
import { type GuestRecord, readAll } from '../../src/daemon/records/records.ts'
import { seedWrite } from '../../src/daemon/records/seeds.ts'
import { settingsFrom } from '../../src/daemon/settings.ts'
import { openSqliteStore } from '../../src/store/sqlite/index.ts'
import type { Store, Write } from '../../src/store/store.ts'
import type { TestFarm } from './farm.ts'

export interface NewPart {
  /** A stopped guest that becomes it. */
  readonly from: string
  readonly name: string
  readonly part: GuestPart
  readonly seed?: readonly SeedFile[]
  readonly volumes?: GuestSpec['volumes']
}

/** `more`: whatever else these need. */
export async function becomeParts(farm: TestFarm, parts: readonly NewPart[], more: readonly Write[] = []) {
  await withStore(farm, async (store) => {
    const seal = await openSeal(join(farm.stateDir, 'pki'))
    const records = await readAll<GuestRecord>(store, keys.guests(farm.hostName))
    const writes: Write[] = [...more]
    for (const { from, name, part, seed, volumes } of parts) {
      const record = records.find(({ value }) => value.name === from)
      if (!record) throw new Error(`no guest ${from}`)
      const { number, host, spec } = record.value
      const id = `seed-of-${number}`
      const own = { run: 'running', part, ...(seed ? { seed: id } : {}), ...(volumes ? { volumes } : {}) } as const
      const next = { ...record.value, name, generation: record.value.generation + 1, spec: { ...spec, ...own } }
      writes.push(
        { put: record.key, value: next },
        { delete: keys.name(from) },
        { put: keys.name(name), value: { kind: 'guest', host, number } },
      )
      const sealed = { host: { name: host } as Parameters<typeof seedWrite>[0]['host'], seal: async () => seal }
      if (seed) writes.push(await seedWrite(sealed, number, { id, files: seed }))
    }
    await store.transact([], writes)
  })
}

/** As the loop that made them would. */
export async function removeParts(farm: TestFarm, more: readonly Write[] = []): Promise<void> {
  await withStore(farm, async (store) => {
    const records = await readAll<GuestRecord>(store, keys.guests(farm.hostName))
    const writes = records
      .filter(({ value }) => value.spec.part)
      .map(({ key, value }): Write => ({ put: key, value: { ...value, deleting: true } }))
    await store.transact([], [...writes, ...more])
  })
  await farm.waitFor(async () => {
    const guests = await farm.json<readonly { spec: GuestSpec }[]>('ls', '--all')
    return !guests.some(({ spec }) => spec.part)
  })
}

async function withStore(farm: TestFarm, work: (store: Store) => Promise<void>): Promise<void> {
  await farm.stopDaemon()
  const { storeFile } = settingsFrom(farm.env())
  const store = await openSqliteStore({ path: storeFile, now: () => systemEnv.now(), newId: () => systemEnv.uuid() })
  try {
    await work(store)
  } finally {
    await store.close()
  }
  await farm.startDaemon()
}
