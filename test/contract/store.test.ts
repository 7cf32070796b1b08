import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createMemoryStore } from '../../src/store/memory/index.ts'
import { openSqliteStore } from '../../src/store/sqlite/index.ts'
import { storeContract } from './store.ts'

/** A clock that moves only when told. */
function createClock(): { now: () => number; pass: (ms: number) => Promise<void> } {
  let nowMs = 1000
  const pass = async (ms: number): Promise<void> => {
    nowMs += ms
  }
  return { now: () => nowMs, pass }
}

storeContract('memory', async () => {
  const { now, pass } = createClock()
  const store = createMemoryStore({ now })
  return { store, pass, dispose: () => store.close() }
})

storeContract('sqlite', async () => {
  const { now, pass } = createClock()
  const folder = await mkdtemp(join(tmpdir(), 'croft-store-'))
  const open = () => openSqliteStore({ path: join(folder, 'store.db'), now, newId: randomUUID })
  let store = await open()
  const reopen = async () => {
    await store.close()
    store = await open()
    return store
  }
  const dispose = async () => {
    await store.close()
    await rm(folder, { recursive: true })
  }
  return { store, pass, reopen, dispose }
})
