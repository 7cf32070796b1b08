/**
 * Several hosts on one machine: a network namespace each, joined by links to a bridge in one more, which is the world outside.
 * Each has its own state folder, sockets, name, pool and running daemon. The first has a farm, unless told otherwise; the
 * others have none, until they join. A wire is cut by taking its end at the bridge down.
 */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { after, afterEach } from 'node:test'
import { createRunner } from '../../src/drivers/exec/runner.ts'
import { openCache } from './cache.ts'
import { type FarmOptions, type HostOfSeveral, TestFarm } from './farm.ts'
import { removeDeadFarms, statePrefix } from './owners.ts'
import { addressLines, at, inside, ipWithin, routeLines } from './places.ts'

export const hostNames = ['ash', 'birch', 'cedar', 'dogwood', 'elm'] as const
export type HostName = (typeof hostNames)[number]

export interface HostsOptions extends Pick<FarmOptions, 'env' | 'init' | 'entry'> {
  /** 3 unless told; at most 5. */
  readonly count?: number
  /** false: the first has no farm either. */
  readonly ready?: boolean
  /** The others have joined the first one's farm. */
  readonly joined?: true
}

const run = createRunner()
let made = 0

/** For a whole file of tests: after each test the guests must be gone from every host, and all that they were. */
export async function useHosts(options: HostsOptions = {}): Promise<TestHosts> {
  const hosts = await createHosts(options)
  let failed = false
  after(() => hosts.dispose({ keepLog: failed }))
  const empty = new Map(await Promise.all(hosts.all.map(async (host) => [host, await host.machine()] as const)))
  afterEach(async (context) => {
    if ('passed' in context && !context.passed) failed = true
    await hosts.ash.removeGuests()
    for (const host of hosts.all) {
      const left = await host.leftovers(empty.get(host) ?? [], 20_000, () => host.machine())
      if (left.length > 0) failed = true
      assert.deepEqual(left, [], `left over on ${host.hostName}`)
    }
  })
  return hosts
}

export async function createHosts(options: HostsOptions = {}): Promise<TestHosts> {
  await removeDeadFarms()
  made += 1
  const tag = `ch${process.pid}x${made}`
  const hosts = new TestHosts(tag)
  try {
    for (const name of hostNames.slice(0, options.count ?? 3)) await hosts.add(name, options)
    if (options.joined) await hosts.join(...hosts.all.slice(1))
    return hosts
  } catch (thrown) {
    await hosts.dispose({ keepLog: true })
    throw thrown
  }
}

/** A host as a test sees it: all that a farm of one has, and where the others reach it. */
export class TestHost extends TestFarm {
  /** On the wire that all share. */
  readonly address: { readonly v4: string; readonly v6: string }

  constructor(given: ConstructorParameters<typeof TestFarm>, address: TestHost['address']) {
    super(...given)
    this.address = address
  }

  get #armed(): string {
    return join(this.stateDir, 'failpoint')
  }

  /** Its daemon ends as by a power cut when it comes there; without a name it does not. */
  arm(failpoint = ''): void {
    writeFileSync(this.#armed, failpoint)
  }

  override startDaemon(env: Readonly<Record<string, string>> = {}): Promise<void> {
    this.arm()
    return super.startDaemon({ CROFT_FAILPOINT: this.#armed, ...env })
  }

  /** But for the pool that it has brought: that stays. */
  override async machine(): Promise<string[]> {
    return (await super.machine()).filter((line) => line !== `mount ${this.stateDir}/pools/default`)
  }
}

export class TestHosts {
  readonly all: TestHost[] = []
  readonly #tag: string

  constructor(tag: string) {
    this.#tag = tag
  }

  get ash(): TestHost {
    return this.get('ash')
  }
  get birch(): TestHost {
    return this.get('birch')
  }
  get cedar(): TestHost {
    return this.get('cedar')
  }

  get(name: string): TestHost {
    return this.all.find(({ hostName }) => hostName === name) ?? assert.fail(`there is no host ${name} in this test`)
  }

  /** The first one brings the wire. */
  async add(name: HostName, options: HostsOptions = {}): Promise<TestHost> {
    const number = hostNames.indexOf(name) + 1
    const address = { v4: `198.51.100.${10 + number}`, v6: `2001:db8:51::${10 + number}` }
    const namespaces = { host: `${this.#tag}h${number}`, outside: `${this.#tag}o` }
    const first = this.all.length === 0
    const host: HostOfSeveral = {
      ...{ name, namespaces },
      owns: first ? [namespaces.host, namespaces.outside] : [namespaces.host],
      wire: async () => {
        if (first) await layBridge(namespaces.outside)
        await plugIn(namespaces, number, address)
      },
    }
    const { env, init, ready, entry } = options
    const given: FarmOptions = {
      host,
      ready: first && ready !== false,
      ...(env === undefined ? {} : { env }),
      ...(init === undefined ? {} : { init }),
      ...(entry === undefined ? {} : { entry }),
    }
    const made = new TestHost([await openCache(), await mkdtemp(statePrefix), given], address)
    this.all.push(made)
    await made.open()
    return made
  }

  /** Each of these, as people do it: invited on the first, and typed there. With a pool of its own, in a file. */
  async join(...others: readonly TestHost[]): Promise<void> {
    for (const host of others) {
      const token = (await this.ash.croftOk('host', 'invite')).trim()
      await host.croftOk('join', token, '--pool', 'file', '--pool-size', '8G')
    }
  }

  /** No packet of it reaches anybody, nor theirs it: the host itself sees its link up. */
  cut(host: TestHost): Promise<void> {
    return this.#link(host, 'down')
  }

  mend(host: TestHost): Promise<void> {
    return this.#link(host, 'up')
  }

  async #link(host: TestHost, to: 'up' | 'down'): Promise<void> {
    const args = ['link', 'set', portOf(hostNames.indexOf(host.hostName as HostName) + 1), to]
    await run.run(inside(host.namespaces.outside, { file: 'ip', args }))
  }

  /** The last one first: the first has the wire. */
  async dispose(options: { keepLog?: boolean } = {}): Promise<void> {
    for (const host of this.all.toReversed()) await host.dispose(options)
  }

  readonly [Symbol.asyncDispose] = (): Promise<void> => this.dispose()
}

const portOf = (number: number): string => `port${number}`

async function layBridge(namespace: string): Promise<void> {
  await run.run({ file: 'ip', args: ['netns', 'add', namespace], timeoutMs: 30_000 })
  await ipWithin(run, namespace, ['link set lo up', 'link add eth0 type bridge', ...addressLines('eth0', at.outside)])
}

async function plugIn(
  { host, outside }: HostOfSeveral['namespaces'],
  number: number,
  address: TestHost['address'],
): Promise<void> {
  const port = portOf(number)
  await run.run({ file: 'ip', args: ['netns', 'add', host], timeoutMs: 30_000 })
  await ipWithin(run, host, [
    'link set lo up',
    `link add up0 type veth peer name ${port} netns ${outside}`,
    ...addressLines('up0', address),
  ])
  await ipWithin(run, outside, [`link set ${port} master eth0`, `link set ${port} up`])
  await ipWithin(run, host, routeLines(at.outside))
}
