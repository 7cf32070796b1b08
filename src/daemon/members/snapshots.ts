/** Copies of the whole store as it is at one moment, on each host that has a member: what `croft farm store restore` takes. */
import { createWriteStream } from 'node:fs'
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { Cluster } from '../../store/etcd/cluster.ts'

export interface StoreSnapshot {
  readonly file: string
  readonly at: string
  readonly sizeBytes: number
}

const keep = 8
const form = /^store-(\d{8}T\d{6})Z\.snapshot$/

export const snapshotsFolderOf = (stateDir: string): string => join(stateDir, 'store-snapshots')

/** The newest first. */
export async function listSnapshots(folder: string): Promise<StoreSnapshot[]> {
  const names = (await readdir(folder).catch(() => [])).filter((name) => form.test(name)).sort()
  return Promise.all(
    names.reverse().map(async (name) => {
      const file = join(folder, name)
      return { file, at: timeOf(name), sizeBytes: (await stat(file)).size }
    }),
  )
}

/** Whole, or not there under its name. Those beyond eight go, the oldest first. */
export async function takeSnapshot(cluster: Pick<Cluster, 'snapshot'>, folder: string, nowMs: number): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const file = join(folder, nameAt(nowMs))
  const unfinished = join(folder, 'unfinished')
  await rm(unfinished, { force: true })
  await pipeline(cluster.snapshot(new AbortController().signal), createWriteStream(unfinished, { mode: 0o600 }))
  const handle = await open(unfinished, 'r')
  await handle.sync().finally(() => handle.close())
  await rename(unfinished, file)
  for (const { file: old } of (await listSnapshots(folder)).slice(keep)) await rm(old, { force: true })
}

const nameAt = (ms: number): string =>
  `store-${new Date(ms).toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}Z.snapshot`

function timeOf(name: string): string {
  const [, at = ''] = form.exec(name) ?? []
  return `${at.slice(0, 4)}-${at.slice(4, 6)}-${at.slice(6, 11)}:${at.slice(11, 13)}:${at.slice(13)}.000Z`
}
