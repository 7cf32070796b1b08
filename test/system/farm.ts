/**
 * A farm of its own for a test: a network namespace as host, the daemon as a child process in it, a pool on the shared
 * btrfs, the template already there. Nothing here reaches the internet. `dispose` takes everything away by id.
 */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { copyFileSync, openSync, readFileSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { after, afterEach } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { settingsFrom } from '../../src/daemon/settings.ts'
import type { Outcome } from '../../src/drivers/exec/command.ts'
import { createRunner } from '../../src/drivers/exec/runner.ts'
import { type Cache, cacheDir, cachePool, openCache } from './cache.ts'
import { removeDeadFarms, statePrefix, writeOwner } from './owners.ts'
import { type Given, inside, type Place, wire, within } from './places.ts'
import { picture, recordLines, removeRemnants, type Whereabouts } from './remnants.ts'
import { ask, type Reply } from './request.ts'

export { at } from './places.ts'

export interface FarmOptions {
  /** Of the environment of the daemon, like CROFT_FAILPOINT. */
  readonly env?: Readonly<Record<string, string>>
  /** More words for `croft init`. */
  readonly init?: readonly string[]
  /** false: no farm yet, no pool, no template. */
  readonly ready?: boolean
  /** The command of another build. */
  readonly entry?: string
  /** One of several: test/system/hosts.ts. */
  readonly host?: HostOfSeveral
}
export interface HostOfSeveral {
  readonly name: string
  readonly namespaces: Readonly<Record<Place, string>>
  /** What goes with it: the last one takes the namespace that all share. */
  readonly owns: readonly string[]
  readonly wire: () => Promise<void>
}
interface Restart {
  readonly kill?: 'SIGTERM' | 'SIGKILL'
  readonly env?: Readonly<Record<string, string>>
}
export interface CallOptions {
  readonly stdin?: string
  readonly timeoutMs?: number
  readonly env?: Readonly<Record<string, string>>
}
const run = createRunner()
/** script/test and script/bench name the bundled command here; without it the sources run as they are. */
/** It would begin again with this. */
const smallHeap = '--max-semi-space-size=2'
const main = process.env.CROFT_ENTRY || new URL('../../src/cli/main.ts', import.meta.url).pathname

/** A farm for a whole file of tests: after each test its guests must be gone, and all that they were. */
export async function useFarm(options: FarmOptions = {}): Promise<TestFarm> {
  const farm = await createTestFarm(options)
  let failed = false
  after(() => farm.dispose({ keepLog: failed }))
  const empty = await farm.picture()
  afterEach(async (context) => {
    if ('passed' in context && !context.passed) failed = true
    await farm.removeGuests()
    const left = await farm.leftovers(empty)
    if (left.length > 0) failed = true
    assert.deepEqual(left, [], 'left over')
  })
  return farm
}

export async function createTestFarm(options: FarmOptions = {}): Promise<TestFarm> {
  await removeDeadFarms()
  const cache = await openCache()
  const stateDir = await mkdtemp(statePrefix)
  const farm = new TestFarm(cache, stateDir, options)
  try {
    await farm.open()
    return farm
  } catch (thrown) {
    await farm.dispose({ keepLog: true })
    throw thrown
  }
}

let farms = 0
export class TestFarm {
  readonly stateDir: string
  readonly poolDir: string
  readonly logFile: string
  readonly namespaces: Readonly<Record<Place, string>>
  readonly where: Whereabouts
  readonly hostName: string
  readonly template: Cache['template']
  /** What runs from now on. */
  entry: string
  readonly #cache: Cache
  readonly #options: FarmOptions
  readonly #children = new Set<ChildProcess>()
  #daemon: ChildProcess | undefined

  constructor(cache: Cache, stateDir: string, options: FarmOptions) {
    farms += 1
    const tag = `ct${process.pid}x${farms}`
    this.#cache = cache
    this.#options = options
    this.template = cache.template
    this.stateDir = stateDir
    this.poolDir = join(cachePool, basename(stateDir))
    this.logFile = join(stateDir, 'daemon.log')
    this.hostName = options.host?.name ?? 'ash'
    this.entry = options.entry ?? main
    this.namespaces = options.host?.namespaces ?? { host: `${tag}h`, outside: `${tag}o` }
    const { cgroup } = settingsFrom(this.env())
    const namespaces = options.host?.owns ?? Object.values(this.namespaces)
    this.where = { stateDir, poolDir: this.poolDir, cgroup, namespaces }
  }

  get socket(): string {
    return join(this.stateDir, 'sock')
  }

  env(): Record<string, string> {
    return {
      PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      HOME: '/root',
      LC_ALL: 'C.UTF-8',
      CROFT_STATE: this.stateDir,
      CROFT_SOCKET: this.socket,
      CROFT_HOST: this.hostName,
      // Guests of tests hang on no process that others share.
      CROFT_LXCFS: '',
      // The bundled command has a cache of its own, and starts slower with two.
      ...(process.env.CROFT_ENTRY ? {} : { NODE_COMPILE_CACHE: join(cacheDir, 'compiled') }),
    }
  }

  async open(): Promise<void> {
    await writeOwner(this.where)
    await chmod(this.stateDir, 0o711)
    await (this.#options.host?.wire() ?? wire(this.namespaces))
    await this.startDaemon(this.#options.env)
    if (this.#options.ready === false) return
    await mkdir(this.poolDir, { mode: 0o700 })
    await this.croftOk(
      'init',
      'meadow',
      '--pool',
      'directory',
      '--pool-path',
      this.poolDir,
      ...(this.#options.init ?? []),
    )
    await this.addTemplate()
  }

  /** The template comes as an orphan on the disk, and is adopted. */
  async addTemplate({ path, manifest } = this.template): Promise<void> {
    const to = join(this.poolDir, 'templates', manifest.id)
    await run.run({ file: 'btrfs', args: ['subvolume', 'snapshot', '-r', path, to], timeoutMs: 60_000 })
    await writeFile(`${to}.json`, JSON.stringify(manifest), { mode: 0o600 })
    await this.adopt(manifest.ref)
  }

  /** What lies on the disk and is in no record, until these templates are ready. */
  async adopt(...refs: readonly string[]): Promise<void> {
    const { status, text } = await this.api('POST', `/v1/hosts/${this.hostName}/apply?adopt=1&wait=60000`)
    assert.equal(status, 200, text)
    for (const ref of refs) {
      const path = `/v1/templates/${encodeURIComponent(ref)}`
      await this.waitFor(async () => (await this.api('GET', path)).text.includes('"state":"ready"'))
    }
  }

  async removeGuests(): Promise<void> {
    const { body } = await this.api('GET', '/v1/guests').catch(() => ({ body: undefined }))
    if (!Array.isArray(body) || body.length > 0) await this.croft('rm', '--all', '-y')
  }

  async startDaemon(env: Readonly<Record<string, string>> = {}): Promise<void> {
    const log = openSync(this.logFile, 'a')
    const words = { file: process.execPath, args: [smallHeap, this.entry, 'daemon'] }
    const { file, args } = inside(this.namespaces.host, words)
    const child = spawn(file, args, { env: { ...this.env(), ...env }, stdio: ['ignore', log, log], cwd: '/' })
    this.#daemon = child
    await this.waitFor(async () => {
      if (child.exitCode !== null || child.signalCode !== null) throw new Error(`the daemon ended:\n${this.logTail()}`)
      return (await this.api('GET', '/v1/farm').catch(() => undefined)) !== undefined
    }, 60_000)
  }

  async stopDaemon(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    const child = this.#daemon
    if (child && child.exitCode === null && child.signalCode === null) {
      const gone = new Promise((resolve) => child.once('exit', resolve))
      child.kill(signal)
      const late = setTimeout(() => child.kill('SIGKILL'), 20_000)
      await gone
      clearTimeout(late)
    }
    this.#daemon = undefined
  }

  /** When it ended by itself, as at a failpoint. */
  async daemonGone(ms = 30_000): Promise<void> {
    await this.waitFor(
      () => this.#daemon === undefined || this.#daemon.exitCode !== null || this.#daemon.signalCode !== null,
      ms,
    )
    this.#daemon = undefined
  }

  async restartDaemon(how: Restart = {}): Promise<void> {
    await this.stopDaemon(how.kill)
    await this.startDaemon(how.env)
  }

  get daemonPid(): number {
    return this.#daemon?.pid ?? 0
  }

  croft(...words: string[]): Promise<Outcome> {
    return this.croftWith({}, ...words)
  }

  /** The command as people run it, on the host. */
  croftWith(options: CallOptions, ...words: string[]): Promise<Outcome> {
    const { env, timeoutMs = 120_000, ...rest } = options
    const command = {
      file: process.execPath,
      args: [this.entry, ...words],
      timeoutMs,
      env: { ...this.env(), ...env },
      ...rest,
    }
    return this.host(command)
  }

  async croftOk(...words: string[]): Promise<string> {
    const said = await this.croft(...words)
    if (said.code === 0) return said.stdout
    const text = `croft ${words.join(' ')}: exit ${said.code}\n${said.stderr}${said.stdout}`
    return assert.fail(`${text}\ndaemon:\n${this.logTail(8)}`)
  }

  async json<T>(...words: string[]): Promise<T> {
    return JSON.parse(await this.croftOk(...words, '--json')) as T
  }

  /** What the command said inside, without the last newline. */
  async inGuest(guest: string, ...command: string[]): Promise<string> {
    return (await this.croftOk('exec', guest, '--', ...command)).trimEnd()
  }

  /** A request over the socket, as it is. */
  api(method: string, path: string, body?: unknown): Promise<Reply> {
    return ask(this.socket, { method, path, body })
  }

  host(command: Given): Promise<Outcome> {
    return within(run, this.namespaces.host, command)
  }

  outside(command: Given): Promise<Outcome> {
    return within(run, this.namespaces.outside, command)
  }

  /** A process that goes on, until `dispose` at the latest. */
  background(place: Place, command: Omit<Given, 'timeoutMs'>, output: 'ignore' | 'pipe' = 'ignore'): ChildProcess {
    const { file, args } = inside(this.namespaces[place], command)
    const child = spawn(file, args, { stdio: ['pipe', output, 'inherit'], env: this.env(), cwd: '/' })
    this.#children.add(child)
    return child
  }

  async waitFor(met: () => boolean | Promise<boolean>, ms = 30_000, what = 'what was waited for'): Promise<void> {
    const until = performance.now() + ms
    while (!(await met())) {
      if (performance.now() > until) throw new Error(`${what} did not come in ${ms} ms\n${this.logTail(8)}`)
      await sleep(50)
    }
  }

  async picture(): Promise<string[]> {
    return [...(await this.machine()), ...(await this.records())].sort()
  }

  /** What lies on its machine, whatever the store holds. */
  machine(): Promise<string[]> {
    return picture(this.where)
  }

  /** What came since `before` and does not go away by itself soon: the kernel frees disks in its own time. */
  async leftovers(before: readonly string[], ms = 20_000, look = () => this.picture()): Promise<string[]> {
    const known = new Set(before)
    const until = performance.now() + ms
    let left: string[] | undefined
    for (;;) {
      const now = new Set((await look()).filter((line) => !known.has(line)))
      left = left === undefined ? [...now] : left.filter((line) => now.has(line))
      if (left.length === 0 || performance.now() > until) return left
      await sleep(200)
    }
  }

  /** Keys of records that go with their guest, and the numbers and slots in use. */
  async records(): Promise<string[]> {
    const { body } = await this.api('GET', '/v1/data?limit=1000')
    assert.ok(Array.isArray(body), JSON.stringify(body))
    return recordLines(body)
  }

  logTail(lines = 30): string {
    try {
      return readFileSync(this.logFile, 'utf8').trimEnd().split('\n').slice(-lines).join('\n')
    } catch {
      return ''
    }
  }

  async dispose({ keepLog = false } = {}): Promise<void> {
    for (const child of this.#children) child.kill('SIGKILL')
    await this.stopDaemon('SIGKILL')
    if (keepLog) {
      const kept = `/tmp/croft-${basename(this.stateDir)}.log`
      copyFileSync(this.logFile, kept)
      process.stderr.write(`the daemon's log: ${kept}\n`)
    }
    await removeRemnants(this.where)
    await this.#cache.close()
  }

  readonly [Symbol.asyncDispose] = (): Promise<void> => this.dispose()
}
