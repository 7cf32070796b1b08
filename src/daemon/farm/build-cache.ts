/** What builds of an app keep for the next: a volume of its own, so that whoever spoils it spoils his own alone. */
import { cacheFolder, planEviction } from '../../plan/build.ts'
import type { Daemon } from '../daemon.ts'
import type { BuildRecord } from '../records/app-records.ts'
import { getApp } from '../records/apps.ts'
import { ensureVolume } from '../records/volumes.ts'
import type { BuildGuest } from './build-guest.ts'
import { textOf } from './build-source.ts'

const sizeBytes = 5 * 1024 ** 3
/** What a build finds at most: the rest is room for what it brings. */
const budgetBytes = 3 * 1024 ** 3
const longestList = 64 * 1024 ** 2

export async function cacheVolume(daemon: Daemon, { app }: BuildRecord): Promise<string> {
  const { value } = await getApp(daemon, app)
  return ensureVolume(daemon, { site: { app, stage: 'build', id: value.id }, name: 'cache', sizeBytes })
}

/** First goes what was longest not used. One that cannot be read any more goes as a whole. */
export async function makeRoom(guest: BuildGuest): Promise<void> {
  try {
    const words = ['find', cacheFolder, '-xdev', '-type', 'f', '-printf', '%A@ %T@ %s %p\\0']
    const gone = planEviction(filesIn(await textOf(guest, words, longestList)), budgetBytes)
    if (gone.length === 0) return
    await guest.run(['xargs', '-0', 'rm', '-f', '--'], { stdin: namesOf(gone) })
  } catch {
    await guest.runAsRoot(['find', cacheFolder, '-xdev', '-mindepth', '1', '-delete'])
  }
}

function filesIn(listed: string) {
  return listed.split('\0').flatMap((line) => {
    const [, read, written, bytes, path] = /^(\S+) (\S+) (\d+) (\/.*)$/s.exec(line) ?? []
    if (path === undefined) return []
    return [{ path, bytes: Number(bytes), usedAt: Math.max(Number(read), Number(written)) }]
  })
}

async function* namesOf(paths: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const path of paths) yield Buffer.from(`${path}\0`)
}
