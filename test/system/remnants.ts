/** What a test farm has left on the machine, as a list of lines; and taking all of it away, by id. */
import { type Dirent, existsSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createRunner } from '../../src/drivers/exec/runner.ts'
import { cachePool } from './cache.ts'
import { inside } from './places.ts'

export interface Whereabouts {
  readonly stateDir: string
  readonly poolDir: string
  /** First part of the cgroup paths, without the host's number. */
  readonly cgroup: string
  readonly namespaces: readonly string[]
}

const run = createRunner()
const cgroupRoot = '/sys/fs/cgroup'
const quiet = () => undefined

/** Everything on the machine that is this farm's, but for the daemon, the name servers, a member of the store and what `init` made. */
export async function picture(farm: Whereabouts): Promise<string[]> {
  const [disks, network] = await Promise.all([subvolumes(farm.poolDir), networkLines(farm.namespaces[0] ?? '')])
  return [
    ...disks.map(({ path }) => `subvolume ${path}`),
    ...namesIn(join(farm.poolDir, 'guests')).map((name) => `pool folder ${name}`),
    ...(await staleQgroups()).map((id) => `qgroup ${id} without subvolume`),
    ...network,
    ...mountsBelow([farm.stateDir, farm.poolDir]).map((path) => `mount ${path}`),
    ...cgroupsOf(farm.cgroup).map((path) => `cgroup ${path}`),
    ...strayCgroups().map((path) => `cgroup ${path}`),
    ...namesIn(join('/run/lxc/lock', farm.stateDir, 'lxc')).map((name) => `lock ${name}`),
    ...namesIn(join(farm.stateDir, 'lxc'))
      .filter((name) => name !== 'seccomp')
      .map((name) => `lxc folder ${name}`),
    ...processesNaming([farm.stateDir, farm.poolDir])
      .filter(
        ({ line }) => !line.startsWith(`dnsmasq --conf-file=${farm.stateDir}/names/`) && !line.startsWith('etcd '),
      )
      .map(({ pid, line }) => `process ${pid} ${line}`),
    ...namesIn('/etc').flatMap((name) => (/^sub[ug]id$/.test(name) ? subids(name) : [])),
  ].sort()
}

interface RecordEntry {
  readonly key: string
  readonly value: { readonly used?: readonly number[]; readonly slots?: readonly number[] }
}

/** Records that go with their guest, and the numbers and slots in use. */
export const recordLines = (entries: readonly RecordEntry[]): string[] =>
  entries.flatMap(({ key, value }) => {
    // What its edge has taken in is the host's own.
    if (/^status\/[^/]+\/edge\//.test(key)) return []
    if (/^(guests|names|ports|addresses|snapshots|status|templates)\//.test(key)) return [`record ${key}`]
    if (!key.startsWith('numbers/')) return []
    return [...(value.used ?? []).map((n) => `number ${n} used`), ...(value.slots ?? []).map((n) => `slot ${n} used`)]
  })

async function networkLines(namespace: string): Promise<string[]> {
  const told = async (...family: string[]): Promise<string[]> => {
    const stdin = ['link show', 'route show table all', 'neigh show', 'neigh show proxy', ''].join('\n')
    const args = ['-o', ...family, '-batch', '-']
    const { stdout } = await run.outcome(inside(namespace, { file: 'ip', args, stdin }))
    return stdout.split('\n').map((line) => line.trim())
  }
  const [lines, nft] = await Promise.all([
    Promise.all([told('-4'), told('-6')]),
    run.outcome(inside(namespace, { file: 'nft', args: ['-j', 'list', 'ruleset'] })),
  ])
  const ours = lines.flat().filter((line) => /\bcroft\d/.test(line))
  return [...new Set(ours.map((line) => /^\d+: (croft\d+)[@:]/.exec(line)?.[1] ?? line))]
    .map((line) => `network ${line}`)
    .concat(nftElements(nft.stdout))
}

/** Elements of sets and maps without their counters, and rules that bear the name of a link. */
function nftElements(json: string): string[] {
  if (json.trim() === '') return []
  interface Elements {
    readonly name: string
    readonly elem?: readonly unknown[]
  }
  const { nftables } = JSON.parse(json) as { nftables: { set?: Elements; map?: Elements; rule?: unknown }[] }
  const plain = (element: unknown): string =>
    JSON.stringify(element, (key, value) => (key === 'counter' || key === 'expires' ? undefined : value))
  return nftables.flatMap(({ set, map, rule }) => {
    const held = set ?? map
    // What packets put there goes away by itself.
    if (held?.name.startsWith('names_')) return []
    if (held) return (held.elem ?? []).map((element) => `nft ${held.name} ${plain(element)}`)
    const text = rule === undefined ? '' : plain(rule)
    return /croft\d/.test(text) ? [`nft rule ${text}`] : []
  })
}

async function subvolumes(below: string): Promise<{ id: number; path: string }[]> {
  const folder = below.slice(cachePool.length + 1)
  return (await allSubvolumes()).filter(({ path }) => path.startsWith(`${folder}/`))
}

async function allSubvolumes(...which: string[]): Promise<{ id: number; path: string }[]> {
  const { stdout } = await run.outcome({
    file: 'btrfs',
    args: ['subvolume', 'list', ...which, cachePool],
    timeoutMs: 30_000,
  })
  return stdout.split('\n').flatMap((line) => {
    const match = /^ID (\d+) .* path (.*)$/.exec(line)
    return match ? [{ id: Number(match[1]), path: match[2] ?? '' }] : []
  })
}

/**
 * The kernel takes a qgroup away when it has freed the subvolume, in its own time: those that wait for it do not count, nor
 * those of a root whose clone, perhaps of another farm on this disk, still holds what it wrote.
 */
async function staleQgroups(): Promise<string[]> {
  const { stdout } = await run.outcome({ file: 'findmnt', args: ['-no', 'UUID', cachePool], timeoutMs: 30_000 })
  const folder = join('/sys/fs/btrfs', stdout.trim(), 'qgroups')
  const counted = namesIn(folder).filter((name) => /^0_\d+$/.test(name) && !isHeld(join(folder, name)))
  const known = [...(await allSubvolumes('-d')), ...(await allSubvolumes())]
  const live = new Set(known.map(({ id }) => `0_${id}`))
  return counted.filter((name) => name !== '0_5' && !live.has(name))
}

/** What goes away while it is looked at is not held. */
function isHeld(qgroup: string): boolean {
  try {
    return Number(readFileSync(join(qgroup, 'referenced'), 'utf8')) > 0
  } catch {
    return false
  }
}

const namesIn = (path: string): string[] => (existsSync(path) ? readdirSync(path).sort() : [])

function subids(file: string): string[] {
  const lines = readFileSync(join('/etc', file), 'utf8').split('\n')
  return lines.filter((line) => line !== '').map((line) => `${file} ${line}`)
}

function mountsBelow(paths: readonly string[]): string[] {
  return readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '')
    .filter((mount) => paths.some((path) => mount === path || mount.startsWith(`${path}/`)))
}

const hierarchies = (): string[] => [cgroupRoot, ...namesIn(cgroupRoot).map((name) => join(cgroupRoot, name))]

/** Deepest first, without the farm's own top folder. */
function cgroupsOf(cgroup: string): string[] {
  return hierarchies().flatMap((root) =>
    namesIn(root)
      .filter((name) => name.startsWith(`${cgroup}.`))
      .flatMap((name) => below(join(root, name))),
  )
}

/** What goes away while it is looked at is not left over. */
function foldersIn(path: string): Dirent[] {
  try {
    return readdirSync(path, { withFileTypes: true }).filter((entry) => entry.isDirectory())
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw thrown
  }
}

function below(path: string): string[] {
  const folders = foldersIn(path)
  return folders.flatMap(({ name }) => [...below(join(path, name)), join(path, name)])
}

/** LXC makes these by itself when a cgroup path was not told or is taken. */
function strayCgroups(): string[] {
  const stray = /^lxc\.(monitor|payload|pivot)\.\d+(-\d+)?$/
  return hierarchies().flatMap((root) => namesIn(root).flatMap((name) => (stray.test(name) ? [join(root, name)] : [])))
}

function processesNaming(paths: readonly string[]): { pid: number; line: string }[] {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) return []
    const line = read(`/proc/${name}/cmdline`).replaceAll('\0', ' ').trim()
    return paths.some((path) => line.includes(path)) ? [{ pid: Number(name), line }] : []
  })
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

export async function removeRemnants(farm: Whereabouts): Promise<void> {
  await killCgroups(farm.cgroup)
  for (const { pid } of processesNaming([farm.stateDir, farm.poolDir])) kill(pid)
  for (const name of farm.namespaces) {
    const { stdout } = await run.outcome({ file: 'ip', args: ['netns', 'pids', name], timeoutMs: 30_000 })
    for (const pid of stdout.split('\n')) if (Number(pid) > 1) kill(Number(pid))
  }
  for (const mount of mountsBelow([farm.stateDir]).reverse())
    await run.outcome({ file: 'umount', args: ['--lazy', mount], timeoutMs: 30_000 })
  for (const name of farm.namespaces)
    await run.outcome({ file: 'ip', args: ['netns', 'delete', name], timeoutMs: 30_000 })
  await removeDisks(farm.poolDir)
  await rm(join('/run/lxc/lock', farm.stateDir), { recursive: true, force: true })
  await rm(farm.stateDir, { recursive: true, force: true })
}

async function removeDisks(poolDir: string): Promise<void> {
  const paths = (await subvolumes(poolDir)).map(({ path }) => join(cachePool, path))
  const deepestFirst = paths.sort((a, b) => b.split('/').length - a.split('/').length)
  if (deepestFirst.length > 0)
    await run.outcome({ file: 'btrfs', args: ['subvolume', 'delete', ...deepestFirst], timeoutMs: 120_000 })
  await rm(poolDir, { recursive: true, force: true })
}

async function killCgroups(cgroup: string): Promise<void> {
  const deadline = performance.now() + 20_000
  for (;;) {
    const folders = cgroupsOf(cgroup)
    for (const folder of folders) thaw(folder)
    const pids = folders.flatMap((folder) => read(join(folder, 'cgroup.procs')).split('\n').filter(Boolean))
    if (pids.length === 0 || performance.now() > deadline) break
    for (const pid of pids) kill(Number(pid))
    await sleep(50)
  }
  const tops = hierarchies().flatMap((root) =>
    namesIn(root).flatMap((name) => (name.startsWith(`${cgroup}.`) ? [join(root, name)] : [])),
  )
  for (const folder of [...cgroupsOf(cgroup), ...tops]) tryTo(() => rmdirSync(folder))
}

function thaw(folder: string): void {
  const file = join(folder, 'freezer.state')
  if (existsSync(file)) tryTo(() => writeFileSync(file, 'THAWED'))
}

const kill = (pid: number): void => tryTo(() => process.kill(pid, 'SIGKILL'))

/** What is gone already need not be taken away. */
function tryTo(action: () => void): void {
  try {
    action()
  } catch {
    quiet()
  }
}
