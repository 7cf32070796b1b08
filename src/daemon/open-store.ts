/** Where the store of this host is, and how it is opened: the file, until it was moved; then etcd, for good. */
import { existsSync } from 'node:fs'
import { CroftError } from '../api/errors.ts'
import type { Runner } from '../drivers/exec/command.ts'
import { openSqliteStore } from '../store/sqlite/index.ts'
import type { Store } from '../store/store.ts'
import type { Env } from './env.ts'
import type { Log } from './host/parts.ts'
import { keys } from './records/keys.ts'
import { read } from './records/records.ts'
import { keptFileOf, type Settings } from './settings.ts'
import { copyBeforeUpgrade } from './store-copies.ts'
import type { LeftRecord } from './store-move/copy.ts'
import { findMarker, type StoreMarker, writeMarker } from './store-move/place.ts'

export interface OpenStoreParts {
  readonly env: Env
  readonly run: Runner
  readonly log: Log
  readonly version: string
  readonly settings: Settings
}

export async function openStore(parts: OpenStoreParts): Promise<Store> {
  const { stateDir } = parts.settings
  const marker = await findMarker(stateDir)
  if (marker) return openMoved(parts, marker)
  const file = await openFile(parts)
  const left = await read<LeftRecord>(file, keys.moved)
  if (!left) return file
  await file.close()
  const { farm, farmName, host, endpoints } = left.value
  const found: StoreMarker = { schema: 1, kind: 'etcd', farm, farmName, host, endpoints }
  await writeMarker(stateDir, found)
  return openMoved(parts, found)
}

/** Loaded where it is needed: a farm of one host has no etcd. */
async function openMoved(parts: OpenStoreParts, { host, endpoints }: StoreMarker): Promise<Store> {
  const { openMovedStore } = await import('./store-move/open-etcd.ts')
  return openMovedStore(parts, { host, endpoints })
}

/** A host that was given a plan had a store: a missing one is a loss, and none is made in its place. */
async function openFile({ env, log, version, settings }: OpenStoreParts): Promise<Store> {
  const { storeFile } = settings
  if (!existsSync(storeFile) && existsSync(keptFileOf(settings)))
    throw new CroftError('DATA_LOST', `the store ${storeFile} is gone`, { hint: 'croft doctor' })
  return openSqliteStore({
    ...{ path: storeFile, now: () => env.now(), newId: () => env.uuid() },
    beforeWriting(found) {
      const copy = copyBeforeUpgrade(storeFile, version, found)
      if (copy !== undefined) log.info({ copy }, 'another version had this store: copied as that one left it')
    },
  })
}
