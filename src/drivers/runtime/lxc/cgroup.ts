/** A guest's cgroups, as files: v1 (one hierarchy a controller), v2, or both side by side. No process is started for it. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { readdir, rmdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { CroftError } from '../../../api/errors.ts'
import type { Counted, Limits } from '../../../api/guest.ts'
import { periodUs, quotaUs } from './config.ts'
import { numberOf, parseCpuSeconds, parseIo, parseOomKills, unreclaimable } from './usage.ts'

export interface CgroupRoots {
  /** Mount point by controller; named hierarchies as `name=systemd`. */
  readonly v1: ReadonlyMap<string, string>
  readonly v2: string | undefined
}

/** From /proc/self/mounts. */
export function parseCgroupMounts(mounts: string): CgroupRoots {
  const v1 = new Map<string, string>()
  let v2: string | undefined
  for (const line of mounts.split('\n')) {
    const [, path = '', type, options = ''] = line.split(' ')
    if (type === 'cgroup2') v2 ??= path
    if (type === 'cgroup') for (const option of options.split(',')) if (isController(option)) v1.set(option, path)
  }
  return { v1, v2 }
}

const isController = (option: string) =>
  /^(cpu|cpuacct|cpuset|memory|devices|freezer|blkio|pids|net_cls|net_prio|perf_event|hugetlb|rdma|misc|name=.+)$/.test(
    option,
  )

const diskRateFiles = ['blkio.throttle.read_bps_device', 'blkio.throttle.write_bps_device']

/** Guests that have a folder in any hierarchy below `name`. */
export function cgroupNumbers(roots: CgroupRoots, name: string): Set<number> {
  const tops = new Set([...roots.v1.values(), ...(roots.v2 === undefined ? [] : [roots.v2])])
  const numbers = [...tops].flatMap((top) => namesIn(join(top, name))).map(Number)
  return new Set(numbers.filter((number) => Number.isInteger(number) && number > 0))
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

export class Cgroup {
  private readonly roots: CgroupRoots
  private readonly path: string

  /** `path` is the guest's own part, like `croft.1/21`. */
  constructor(roots: CgroupRoots, path: string) {
    this.roots = roots
    this.path = path
  }

  private file(controller: string, v1Name: string, v2Name: string): string | undefined {
    const v1 = this.roots.v1.get(controller)
    if (v1 !== undefined) return join(v1, this.path, 'guest', v1Name)
    return this.roots.v2 === undefined ? undefined : join(this.roots.v2, this.path, 'guest', v2Name)
  }

  freeze(frozen: boolean): void {
    const v1 = this.roots.v1.has('freezer')
    const file = this.file('freezer', 'freezer.state', 'cgroup.freeze')
    if (file) writeFileSync(file, v1 ? (frozen ? 'FROZEN' : 'THAWED') : frozen ? '1' : '0')
  }

  isFrozen(): boolean {
    const text = readOr(this.file('freezer', 'freezer.state', 'cgroup.freeze'))
    return text === 'FROZEN' || text === 'FREEZING' || text === '1'
  }

  setLimits(limits: Limits, disk?: string): void {
    const cpuV1 = this.roots.v1.has('cpu')
    const none = cpuV1 ? '-1' : `max ${periodUs}`
    const quota =
      limits.cpus === undefined ? none : cpuV1 ? String(quotaUs(limits.cpus)) : `${quotaUs(limits.cpus)} ${periodUs}`
    put(this.file('cpu', 'cpu.cfs_quota_us', 'cpu.max'), quota)
    put(this.file('pids', 'pids.max', 'pids.max'), limits.processes === undefined ? 'max' : String(limits.processes))
    if (disk !== undefined) this.setDiskRate(disk, limits.diskRate)
    this.setMemory(limits.memoryBytes)
  }

  private setDiskRate(disk: string, rate: number | undefined): void {
    if (!this.roots.v1.has('blkio')) {
      put(this.file('io', '', 'io.max'), `${disk} rbps=${rate ?? 'max'} wbps=${rate ?? 'max'}`)
      return
    }
    for (const name of diskRateFiles) {
      put(this.file('blkio', name, ''), `${disk} ${rate ?? 0}`)
      put(this.file('blkio', join('ns', name), ''), `${disk} ${rate ?? 0}`)
    }
  }

  /**
   * Version 1 does not hand the disk's rate down to the folder below, where the guest's processes are: what LXC wrote
   * into the upper one is copied. To be called after a start.
   */
  passDiskRateOn(): void {
    if (!this.roots.v1.has('blkio')) return
    for (const name of diskRateFiles) {
      const rate = readOr(this.file('blkio', name, ''))
      const below = this.file('blkio', join('ns', name), '')
      // A guest that is gone again has no folder; its death is noticed elsewhere.
      if (rate && below !== undefined && existsSync(below)) put(below, rate)
    }
  }

  private setMemory(bytes: number | undefined): void {
    const memoryV1 = this.roots.v1.has('memory')
    // On v2 a lower memory.max kills at once; memory.high first lets the kernel reclaim.
    if (!memoryV1 && bytes !== undefined) put(this.file('memory', '', 'memory.high'), String(bytes))
    try {
      put(
        this.file('memory', 'memory.limit_in_bytes', 'memory.max'),
        bytes === undefined ? (memoryV1 ? '-1' : 'max') : String(bytes),
      )
    } catch (cause) {
      throw new CroftError('REFUSED', 'the guest uses more memory than that now', {
        hint: 'stop something in it, or restart it with the new limit',
        cause,
      })
    } finally {
      if (!memoryV1) put(this.file('memory', '', 'memory.high'), 'max')
    }
  }

  usage(): Omit<Counted, 'netInBytes' | 'netOutBytes'> {
    const read = (controller: string, v1Name: string, v2Name: string) => readOr(this.file(controller, v1Name, v2Name))
    const io = this.roots.v1.has('blkio')
      ? read('blkio', 'blkio.throttle.io_service_bytes_recursive', '')
      : read('io', '', 'io.stat')
    return {
      cpuSeconds: parseCpuSeconds(read('cpuacct', 'cpuacct.usage', 'cpu.stat')),
      memoryBytes: unreclaimable(
        numberOf(read('memory', 'memory.usage_in_bytes', 'memory.current')),
        read('memory', 'memory.stat', 'memory.stat'),
      ),
      memoryLimit: numberOf(read('memory', 'memory.limit_in_bytes', 'memory.max')),
      processes: numberOf(read('pids', 'pids.current', 'pids.current')),
      processLimit: numberOf(read('pids', 'pids.max', 'pids.max')),
      diskReadBytes: parseIo(io, 'read'),
      diskWriteBytes: parseIo(io, 'write'),
      oomKills: this.oomKills(),
    }
  }

  /** Version 1 counts a kill where the process was, and no folder above it. */
  private oomKills(): number | null {
    const file = this.file('memory', 'memory.oom_control', 'memory.events')
    const own = parseOomKills(readOr(file))
    if (own === null || file === undefined || !this.roots.v1.has('memory')) return own
    return own + oomKillsBelow(dirname(file), { left: mostFolders })
  }

  /**
   * Kills what is left in it and takes the folders away, in every hierarchy. For a guest without a monitor. The kernel
   * takes some 10 ms for each folder, so the hierarchies go side by side, off the loop. False when something still dies.
   */
  async sweep(kill: (pid: number) => void): Promise<boolean> {
    const gone = await Promise.all(this.everywhere().map((folder) => removeTree(folder, kill)))
    return gone.every((one) => one)
  }

  /** Takes away what is empty. */
  async prune(): Promise<void> {
    await Promise.allSettled(this.everywhere().map((folder) => rmdir(folder)))
  }

  private everywhere(): string[] {
    const { v1, v2 } = this.roots
    return [...new Set([...v1.values(), ...(v2 === undefined ? [] : [v2])])].map((top) => join(top, this.path))
  }
}

async function removeTree(folder: string, kill: (pid: number) => void): Promise<boolean> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => undefined)
  if (!entries) return true
  for (const entry of entries) if (entry.isDirectory()) await removeTree(join(folder, entry.name), kill)
  for (const pid of (readOr(join(folder, 'cgroup.procs')) ?? '').split('\n')) if (Number(pid) > 1) kill(Number(pid))
  // What is still dying goes with the next sweep.
  return rmdir(folder).then(
    () => true,
    () => false,
  )
}

function readOr(file: string | undefined): string | undefined {
  if (file === undefined) return undefined
  try {
    return readFileSync(file, 'utf8').trim()
  } catch {
    return undefined
  }
}

function put(file: string | undefined, text: string): void {
  if (file !== undefined) writeFileSync(file, text)
}

/** A guest makes as many folders as it likes: so many are looked into. */
const mostFolders = 200

function oomKillsBelow(folder: string, budget: { left: number }): number {
  let kills = 0
  for (const entry of foldersIn(folder)) {
    if (budget.left-- <= 0) break
    const below = join(folder, entry)
    kills += (parseOomKills(readOr(join(below, 'memory.oom_control'))) ?? 0) + oomKillsBelow(below, budget)
  }
  return kills
}

function foldersIn(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? entry.name : []))
  } catch {
    return []
  }
}
