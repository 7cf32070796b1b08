/** Work of ours that outlived who asked for it. After a build was killed: its namespace dies as a whole, but the kernel takes a moment. After a daemon was: it lives on. */
import { lstat, readdir, readFile, readlink } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { killQuietly } from './kill.ts'

const lookEveryMs = 50
const looks = 200

/** Returns when no process runs as one of the build's ids; after ten seconds it returns all the same. */
export async function untilGone(uidBase: number): Promise<void> {
  for (let look = 0; look < looks; look++) {
    if (!(await anyOf(uidBase))) return
    await sleep(lookEveryMs)
  }
}

/** Ends the builds that name this folder, which no daemon waits for any more; the first of a namespace takes the rest along. */
export async function endBuildsIn(folder: string): Promise<void> {
  for (let look = 0; look < looks; look++) {
    const found = await pidsNaming(folder)
    if (found.length === 0) return
    for (const pid of found) killQuietly(pid)
    await sleep(lookEveryMs)
  }
}

/**
 * Folders of ours that no daemon works in any more. Anyone may put a folder like them where all may write, and exchange what
 * is in it while it is removed: only root's are ours.
 */
export async function foldersLeft(workDir: string, prefix: string): Promise<string[]> {
  const found: string[] = []
  for (const name of await readdir(workDir)) {
    if (!name.startsWith(prefix)) continue
    const folder = join(workDir, name)
    const stats = await lstat(folder).catch(() => undefined)
    if (!stats?.isDirectory() || stats.uid !== process.getuid?.()) continue
    if (!(await isOtherDaemon(Number(/-(\d+)-/.exec(name)?.[1])))) found.push(folder)
  }
  return found
}

/** Another farm of this host may be building; a number that was given to another program since is no daemon. */
async function isOtherDaemon(pid: number): Promise<boolean> {
  if (pid === process.pid) return false
  const program = await readlink(`/proc/${pid}/exe`).catch(() => undefined)
  return program !== undefined && basename(program) === basename(process.execPath)
}

async function pidsNaming(folder: string): Promise<number[]> {
  const pids = await allPids()
  const words = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')))
  return pids.filter((_, index) => words[index]?.includes(`${folder}/`)).map(Number)
}

const allPids = async (): Promise<string[]> => (await readdir('/proc')).filter((name) => /^\d+$/.test(name))

async function anyOf(uidBase: number): Promise<boolean> {
  const uids = await Promise.all((await allPids()).map(uidOfProcess))
  return uids.some((uid) => uid !== undefined && uid >= uidBase && uid < uidBase + 65536)
}

/** Undefined when it ended meanwhile. */
async function uidOfProcess(pid: string): Promise<number | undefined> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => undefined)
  const uid = status === undefined ? undefined : /^Uid:\t(\d+)/m.exec(status)?.[1]
  return uid === undefined ? undefined : Number(uid)
}
