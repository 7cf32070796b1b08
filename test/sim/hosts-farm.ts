/** Hosts of one farm in one process: daemons as they are, over fakes and one store in memory, and real TLS between them. */
import assert from 'node:assert/strict'
import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { request } from 'node:http'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { json } from 'node:stream/consumers'
import { createCertificates } from '../../src/daemon/certificates/certificates.ts'
import { createRouteChecks } from '../../src/daemon/checks/routes.ts'
import type { Daemon, WholeDaemon } from '../../src/daemon/daemon.ts'
import { systemEnv as env } from '../../src/daemon/env.ts'
import { createFarmLoops, openedFarm } from '../../src/daemon/farm/loops.ts'
import { createArrivals } from '../../src/daemon/host/arrivals.ts'
import { createInside, type Inside } from '../../src/daemon/host/inside.ts'
import { createHostLoop } from '../../src/daemon/host/loop.ts'
import { createPace } from '../../src/daemon/host/pace.ts'
import type { HostParts } from '../../src/daemon/host/parts.ts'
import { createPools } from '../../src/daemon/host/pools.ts'
import { createTurns } from '../../src/daemon/host/turns.ts'
import { createIdentify } from '../../src/daemon/http/identify.ts'
import type { Outside } from '../../src/daemon/http/outside.ts'
import { startServer } from '../../src/daemon/http/server.ts'
import { openTlsDoor } from '../../src/daemon/http/tls-door.ts'
import { Visitors } from '../../src/daemon/http/visitors.ts'
import { writeFarm } from '../../src/daemon/init.ts'
import { createElsewhere } from '../../src/daemon/mesh/elsewhere.ts'
import { createHostMesh } from '../../src/daemon/mesh/mesh.ts'
import { Operations } from '../../src/daemon/operations/operations.ts'
import { openOthers } from '../../src/daemon/peers/others.ts'
import { openAuthority } from '../../src/daemon/pki/authority.ts'
import { sealWith } from '../../src/daemon/pki/seal.ts'
import { hostKeyOf } from '../../src/daemon/records/host-key.ts'
import { keys } from '../../src/daemon/records/keys.ts'
import { type FarmRecord, type HostRecord, read } from '../../src/daemon/records/records.ts'
import { enterVersions } from '../../src/daemon/records/versions.ts'
import { releaseFrom } from '../../src/daemon/release.ts'
import { createSessions } from '../../src/daemon/sessions/sessions.ts'
import { Uploads } from '../../src/daemon/uploads/uploads.ts'
import { createUsageBoard } from '../../src/daemon/usage/board.ts'
import { createFakeEdge } from '../../src/drivers/edge/fake/index.ts'
import { createRunner } from '../../src/drivers/exec/runner.ts'
import { createFakeFirewall } from '../../src/drivers/firewall/fake/index.ts'
import { createFakeImages } from '../../src/drivers/image/fake/index.ts'
import { createFakeMesh, fakeWire } from '../../src/drivers/mesh/fake/index.ts'
import { createFakeNames } from '../../src/drivers/names/fake/index.ts'
import { createFakeNetwork } from '../../src/drivers/network/fake/index.ts'
import { createFakeRuntime } from '../../src/drivers/runtime/fake/index.ts'
import type { PoolSpec } from '../../src/drivers/storage/driver.ts'
import { createFakeStorage } from '../../src/drivers/storage/fake/index.ts'
import type { Release } from '../../src/plan/versions.ts'
import { createMemoryStore } from '../../src/store/memory/index.ts'
import { type SimVlans, simVlans } from './vlans.ts'

const run = createRunner()
const pool: PoolSpec = { name: 'default', kind: 'file', source: '/p.img', mountPoint: '/pool', sizeBytes: 2 ** 40 }
const log = { info() {}, warn() {}, error() {} }
const seal = async () => sealWith(Buffer.alloc(32, 7))

export interface SimHost {
  readonly name: string
  readonly daemon: WholeDaemon
  readonly parts: HostParts
  readonly socket: string
  /** Nobody reaches it from another host any more, nor is it seen in the store. */
  close(): Promise<void>
}

export class HostsFarm {
  readonly store = createMemoryStore({ now: () => env.monotonicMs(), id: 'hosts' })
  readonly folder: string
  readonly hosts = new Map<string, SimHost>()
  readonly wire = fakeWire()
  /** What runs words in guests of a host, instead of the fake's own way. */
  readonly insides = new Map<string, Inside>()
  /** They outlive their daemons. */
  private readonly machines = new Map<string, ReturnType<typeof machine> & { readonly vlans: SimVlans }>()
  /** Addresses that somebody has on the VLAN that all hosts are on. */
  readonly taken = new Set<string>()

  private constructor(folder: string) {
    this.folder = folder
  }

  static async open(...names: string[]): Promise<HostsFarm> {
    const farm = new HostsFarm(await mkdtemp(join(tmpdir(), 'croft-hosts-')))
    const [first = 'ash', ...rest] = names
    const paths = {
      ...{ stateDir: '/s', socket: '/s/k', storeFile: '/s/d', lxcPath: '/s/l', cgroup: 'croft' },
      ...{ hooksDir: '/s/h', sitesDir: '/s/sites', dnsHook: '/s/d' },
    }
    await writeFarm(env, farm.store, {
      ...{ settings: { ...paths, hostName: first }, asked: { name: 'meadow' }, pool, by: 'root' },
    })
    for (const [at, name] of rest.entries()) await farm.join(name, at + 2)
    for (const name of names) await farm.boot(name)
    await until(`${first} leads`, () => farm.leaderOf(first) === first)
    return farm
  }

  /** `HOST:1` for each: templates that are there and nowhere else. */
  async templates(): Promise<void> {
    for (const name of this.hosts.keys()) {
      const [ref, id] = [`${name}:1`, env.uuid()]
      const source = { from: 'debian:12', packages: [] }
      const value = { schema: 1, ref, id, host: name, created: new Date(env.now()).toISOString(), source }
      await this.store.transact([], [{ put: keys.template(ref), value }])
      const key = keys.templateStatus(name, id)
      await until(`${ref} is there`, async () => (await this.store.get(key)).entry !== undefined)
    }
  }

  /** As that host knows it. */
  leaderOf = (host: string): string | undefined => this.get(host).daemon.others?.()?.leader.host()

  private async join(name: string, number: number): Promise<void> {
    const host: HostRecord = { schema: 1, name, number, uidBase: 0x70000000 }
    const block = number - 1
    const numbers = { schema: 1, blocks: [block], next: block * 256 + 1, used: [], resting: [], slots: [] }
    await this.store.transact(
      [],
      [
        { put: keys.host(name), value: host },
        { put: keys.numbers(name), value: numbers },
        { put: keys.pool(name, 'default'), value: { schema: 1, ...pool } },
      ],
    )
  }

  vlansOf(name: string): SimVlans {
    return this.machines.get(name)?.vlans ?? assert.fail(`no host ${name}`)
  }

  get(name: string): SimHost {
    return this.hosts.get(name) ?? assert.fail(`no host ${name}`)
  }

  async boot(name: string, release: Release = releaseFrom({})): Promise<SimHost> {
    const own = join(this.folder, name)
    await mkdir(own, { recursive: true })
    const first = [...this.hosts.keys()][0] ?? name
    if (first !== name) await copyFile(join(this.folder, first, 'ca.pem'), join(own, 'ca.pem'))
    const authority = await openAuthority({ env, run, folder: own, farm: 'meadow', host: name, names: () => [] })
    await authority.refresh()
    const visitors = new Visitors(env)
    const operations = new Operations(this.store, env)
    const [farm, host] = await Promise.all([
      read<FarmRecord>(this.store, keys.farm),
      read<HostRecord>(this.store, keys.host(name)),
    ])
    assert.ok(farm && host)
    await enterVersions(this.store, name, release)
    await operations.recover(name, true)
    const made = await this.parts(own, operations, { farm: farm.value, host: host.value })
    const parts: HostParts = { ...made, peers: () => others.peers }
    const others = await openOthers({
      ...{ env, log, store: this.store, operations, own: name, material: authority.material },
      nudge: (number) => open.loop.nudge(number),
      shutOut: (token) => visitors.shutOut(token),
    })
    const { leader } = others
    const some: Daemon = { env, store: leader.store, operations, open: () => open }
    const checks = () => createRouteChecks({ ...parts, farmCa: () => null, everyMs: 300_000 })
    const loops = createFarmLoops(some, join(own, 'builds'), checks)
    const { certificates } = parts
    const open = openedFarm({
      ...{ parts, loop: createHostLoop(parts), usage: createUsageBoard(parts), certificates, leader, loops, others },
      numbering: createTurns(1, env),
    })
    const shown = () => ({ state: 'open', listen: null, addresses: [], fingerprint: null })
    const identify = createIdentify({ now: env.now, store: () => this.store, visitors })
    const daemon: WholeDaemon = {
      ...{ env, store: this.store, operations, ...release, hostName: name, sessions: createSessions({ env, log }) },
      outside: { identify, certificates: () => [], shutOut: () => undefined, door: shown } as unknown as Outside,
      ...{ open: () => open, others: () => others, diagnose: async () => [], mend: async () => [] },
      joining: () => Promise.reject(new Error('all have joined')),
      storeCare: () => Promise.reject(new Error('the store is in memory')),
      init: async () => ({ lines: [] }),
    }
    const socket = join(own, 'croft.sock')
    const server = await startServer(daemon, { socket, log, identify })
    const port = await freePort()
    const door = await openTlsDoor(`127.0.0.1:${port}`, authority.material(), server.answerOutside)
    const { value } = host
    await this.store.transact(
      [],
      [
        {
          put: keys.host(name),
          value: { ...value, address: `127.0.0.1:${port}`, key: hostKeyOf(authority.material().cert) },
        },
      ],
    )
    await open.loop.begin()
    open.loop.between.begin(daemon)
    await leader.follow(loops)
    const booted: SimHost = {
      ...{ name, daemon, parts, socket },
      close: async () => {
        this.hosts.delete(name)
        await door.close()
        await server.close()
        await leader.close()
        await open.loop.close()
        await others.close()
      },
    }
    this.hosts.set(name, booted)
    return booted
  }

  private async parts(
    own: string,
    operations: Operations,
    records: { readonly farm: FarmRecord; readonly host: HostRecord },
  ): Promise<HostParts> {
    const { store } = this
    const made = this.machines.get(records.host.name) ?? { ...machine(), vlans: simVlans(this.taken) }
    this.machines.set(records.host.name, made)
    const { storage, runtime, vlans, ...rest } = made
    await storage.open()
    const pools = createPools(new Map([['default', storage]]), log)
    const ways = { env, store, log, network: made.network, ...records }
    const elsewhere = createElsewhere(ways)
    const driver = createFakeMesh({ wire: this.wire, endpoint: records.host.name })
    return {
      elsewhere,
      vlans: vlans.of(ways),
      mesh: createHostMesh({ ...ways, elsewhere }, { left: () => false, driver: async () => driver }),
      ...{ env, store, log, operations, seal, ...records, runtime, pools, storage: pools.storage },
      machine: () => ({ cpus: 4, load: 0, memory: { totalBytes: 16 * 2 ** 30, freeBytes: 16 * 2 ** 30 } }),
      ...{ sitesDir: join(own, 'sites'), askHealth: async () => undefined },
      inside: { run: (...asked) => (this.insides.get(records.host.name) ?? createInside(runtime)).run(...asked) },
      peers: () => this.hosts.get(records.host.name)?.daemon.others?.()?.peers,
      certificates: createCertificates({
        ...{ env, store, log, run, failpoint: () => {}, folder: '', seal, dnsHook: '/none', addresses: () => [] },
        ca: { fingerprint: () => null, issueEdge: () => Promise.reject(new Error('no CA here')) },
        acme: { name: 'none', issue: () => Promise.reject(new Error('no ACME here')) },
      }),
      ...{ ...rest, knock: async () => 'open' as const },
      hashPassword: async () => `$6$sim$${'x'.repeat(86)}`,
      builder: {
        ...{ name: 'sim', check() {}, async sweep() {} },
        build: async () => ({ sizeBytes: 1, sha256: 'c0ffee', facts: {} }),
      },
      ...{ images: createFakeImages(), uploads: new Uploads(join(own, 'uploads'), env), failpoint: () => {} },
      arrivals: createArrivals(join(own, 'arrivals'), env),
      pace: createPace(env, async () => undefined),
    }
  }

  /** Root asks the daemon of that host, by its socket. */
  ask<T = Record<string, unknown>>(host: string, method: string, path: string, body?: unknown): Promise<Answer<T>> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer<T>>()
    const text = body === undefined ? undefined : JSON.stringify(body)
    const headers = text === undefined ? {} : { 'content-type': 'application/json' }
    request({ socketPath: this.get(host).socket, method, path, headers, agent: false }, async (answer) =>
      resolve({ status: answer.statusCode ?? 0, said: (await json(answer)) as T }),
    )
      .on('error', reject)
      .end(text)
    return promise
  }

  async close(): Promise<void> {
    for (const host of [...this.hosts.values()]) await host.close()
    await this.store.close()
    await rm(this.folder, { recursive: true, force: true })
  }
}

const machine = () => ({
  ...{ storage: createFakeStorage({ pool }), runtime: createFakeRuntime(env), network: createFakeNetwork() },
  ...{ firewall: createFakeFirewall(), names: createFakeNames(), edge: createFakeEdge({ refuses: () => undefined }) },
})

export interface Answer<T> {
  readonly status: number
  readonly said: T
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}

export async function until(what: string, is: () => Promise<boolean> | boolean, ms = 30_000): Promise<void> {
  const end = performance.now() + ms
  while (!(await is())) {
    if (performance.now() > end) assert.fail(`never: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
