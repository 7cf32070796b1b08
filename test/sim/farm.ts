/**
 * A host with all our daemon code, over fakes and a clock that we move. A daemon can be killed at any named failpoint and
 * another be built over the same store and the same fakes. What happens is told in a log.
 */
import assert from 'node:assert/strict'
import { type CroftError, toCroftError } from '../../src/api/errors.ts'
import type { GuestState, GuestStatus } from '../../src/api/guest.ts'
import type { Operation } from '../../src/api/resources.ts'
import type { RouteName } from '../../src/api/routes.ts'
import { bodies, queries } from '../../src/api/schemas.ts'
import { createCertificates } from '../../src/daemon/certificates/certificates.ts'
import { createRouteChecks } from '../../src/daemon/checks/routes.ts'
import type { Daemon, WholeDaemon } from '../../src/daemon/daemon.ts'
import { createBuilds } from '../../src/daemon/farm/builds.ts'
import type { Asked as AskedHealth } from '../../src/daemon/farm/health.ts'
import { onlyLeader } from '../../src/daemon/farm/leader.ts'
import { createRollouts } from '../../src/daemon/farm/rollouts.ts'
import { createInside, type Inside } from '../../src/daemon/host/inside.ts'
import { createHostLoop } from '../../src/daemon/host/loop.ts'
import type { HostParts } from '../../src/daemon/host/parts.ts'
import { planHost } from '../../src/daemon/host/plan-host.ts'
import { createPools } from '../../src/daemon/host/pools.ts'
import { createTurns } from '../../src/daemon/host/turns.ts'
import type { Handler, Handlers } from '../../src/daemon/http/handler.ts'
import { handlers } from '../../src/daemon/http/handlers/table.ts'
import { createOutside } from '../../src/daemon/http/outside.ts'
import { writeFarm } from '../../src/daemon/init.ts'
import { createElsewhere } from '../../src/daemon/mesh/elsewhere.ts'
import { createHostMesh } from '../../src/daemon/mesh/mesh.ts'
import { Operations } from '../../src/daemon/operations/operations.ts'
import { sealWith } from '../../src/daemon/pki/seal.ts'
import { keys } from '../../src/daemon/records/keys.ts'
import { type FarmRecord, type GuestRecord, type HostRecord, read, readAll } from '../../src/daemon/records/records.ts'
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
import type { TemplateBuilder } from '../../src/drivers/template/driver.ts'
import type { Write } from '../../src/store/store.ts'
import { quiet, SimClock } from './clock.ts'
import { heldBy, type Lifeline } from './lifeline.ts'
import { simVlans } from './vlans.ts'
import { createWeakStore } from './weak-store.ts'
import { reasonOf, tell, told } from './words.ts'

const seal = async () => sealWith(Buffer.alloc(32, 7))
/** No route asks for one. */
const noCertificates = {
  ...{ folder: '', seal, dnsHook: '/none', addresses: () => [] },
  ca: { fingerprint: () => null, issueEdge: () => Promise.reject(new Error('no CA here')) },
  acme: { name: 'none', issue: () => Promise.reject(new Error('no ACME here')) },
}
const pool: PoolSpec = { name: 'default', kind: 'file', source: '/p.img', mountPoint: '/pool', sizeBytes: 2 ** 40 }
const paths = {
  stateDir: '/s',
  socket: '/s/k',
  storeFile: '/s/d',
  lxcPath: '/s/l',
  cgroup: 'croft',
  hooksDir: '/s/h',
  sitesDir: '/s/sites',
  dnsHook: '/s/d',
}

interface Running {
  readonly life: Lifeline
  readonly daemon: WholeDaemon
  readonly parts: HostParts
}

interface Asked {
  readonly params?: Readonly<Record<string, string>>
  readonly body?: unknown
  readonly query?: Readonly<Record<string, string>>
}

export interface SimOptions {
  /** `ash` without. */
  readonly hostName?: string
  /** Of another host of the farm, whose store and clock it has. */
  readonly beside?: SimFarm
}

export class SimFarm {
  readonly hostName: string
  readonly clock: SimClock
  /** The way to the other hosts. */
  peers: HostParts['peers']
  readonly runtime: ReturnType<typeof createFakeRuntime>
  readonly storage = createFakeStorage({ pool })
  /** A second pool, with a disk of its own. */
  readonly spare = createFakeStorage({ pool: { ...pool, name: 'spare', source: '/s.img', mountPoint: '/spare' } })
  readonly network = createFakeNetwork()
  readonly firewall = createFakeFirewall()
  readonly names = createFakeNames()
  readonly wire = fakeWire()
  readonly vlans = simVlans()
  readonly mesh = createFakeMesh({ wire: this.wire, endpoint: '192.0.2.1:51820' })
  /** Whether programs in guests take connections. */
  listens = true
  /** Why the edge takes nothing, as when somebody else has its ports. */
  edgeRefuses: Error | undefined
  readonly edge = createFakeEdge({ refuses: () => this.edgeRefuses })
  readonly store: ReturnType<typeof createWeakStore>
  readonly lines: string[] = []
  refused: CroftError | undefined
  /** Every failpoint that was passed, in order. */
  readonly passed: string[] = []
  /** Files that were sent lie on a real disk. */
  uploadsDir = '/nowhere'
  machine = { cpus: 4, load: 0, memory: { totalBytes: 16 * 2 ** 30, freeBytes: 16 * 2 ** 30 } }
  /** What the host says of applications. */
  sitesDir = '/nowhere/sites'
  /** Templates are built when this comes. */
  builds = Promise.resolve()
  /** What runs words inside of guests, instead of the fake's own way. */
  inside: Inside | undefined
  /** Why an instance is not well. */
  unwell: (asked: AskedHealth) => string | undefined = () => undefined
  private running: Running | undefined
  private silent = false
  private dieAt = Number.POSITIVE_INFINITY
  private dies: (passed: readonly string[]) => boolean = () => false

  constructor({ hostName = 'ash', beside }: SimOptions = {}) {
    this.hostName = hostName
    this.clock = beside?.clock ?? new SimClock()
    this.runtime = createFakeRuntime(this.clock)
    const now = () => this.clock.now()
    this.store = beside?.store ?? createWeakStore(now, (writes) => this.wrote(writes))
  }

  async open(): Promise<this> {
    this.silent = true
    await this.storage.open()
    const asked = { name: 'meadow' }
    await writeFarm(
      this.clock.env(() => true),
      this.store,
      {
        ...{ settings: { ...paths, hostName: this.hostName }, asked, pool, by: 'root' },
      },
    )
    await this.boot()
    await this.ask('buildTemplate', { body: { ref: 'debian:12' } })
    await this.clock.pass(1)
    this.silent = false
    return this
  }

  /** A daemon begins; whatever ran before must be dead. */
  async boot(): Promise<void> {
    const life: Lifeline = { alive: true }
    const env = this.clock.env(() => life.alive)
    const store = heldBy(life, this.store)
    const operations = new Operations(store, env)
    await operations.recover()
    const parts = await this.build(life, operations)
    const loop = createHostLoop(parts)
    const usage = createUsageBoard(parts)
    const numbering = createTurns(1, env)
    const checks = createRouteChecks({ ...parts, farmCa: () => null, everyMs: 300_000 })
    const some: Daemon = { env, store, operations, open: () => daemon.open() }
    const builds = createBuilds(some, '')
    const rollouts = createRollouts(some)
    const daemon: WholeDaemon = {
      ...{ env, store, operations, version: 'sim', hostName: this.hostName },
      open: () => ({
        ...{ parts, loop, numbering, usage, certificates: parts.certificates, checks, builds, rollouts },
        ...{
          leader: onlyLeader(store, this.hostName),
          loops: { begin: async () => undefined, end: async () => undefined },
        },
      }),
      outside: createOutside(
        { env, log: parts.log, run: createRunner(), folder: '', store: () => store },
        () => undefined,
      ),
      sessions: createSessions({ env, log: parts.log }),
      joining: () => Promise.reject(new Error('one host alone')),
      storeCare: () => Promise.reject(new Error('the store is in memory')),
      init: async () => ({ lines: [] }),
      diagnose: async () => [],
      mend: async () => [],
    }
    this.running = { life, daemon, parts }
    this.say('daemon', 'begins')
    await loop.begin()
    loop.between.begin(daemon)
    await rollouts.begin()
    await quiet()
  }

  private async build(life: Lifeline, operations: Operations): Promise<HostParts> {
    const farm = await read<FarmRecord>(this.store, keys.farm)
    const host = await read<HostRecord>(this.store, keys.host(this.hostName))
    assert.ok(farm && host)
    const act = (family: string) => (method: string, args: unknown[]) => {
      const text = tell(family, method, args)
      if (text !== undefined) this.say('host', text)
    }
    const env = this.clock.env(() => life.alive)
    const log = {
      info() {},
      warn() {},
      error: (fields: object, message: string) => life.alive && this.say('error', told(message, fields)),
    }
    const pools = createPools(
      new Map([
        ['default', heldBy(life, this.storage, act('storage'))],
        ['spare', heldBy(life, this.spare, act('storage'))],
      ]),
      log,
    )
    const store = heldBy(life, this.store)
    const elsewhere = createElsewhere({ env, store, log, host: host.value })
    const others = { env, store, log, network: this.network, elsewhere, host: host.value, farm: farm.value }
    return {
      ...{ sitesDir: this.sitesDir, elsewhere, machine: () => this.machine, vlans: this.vlans.of(others) },
      mesh: createHostMesh(others, { left: () => false, driver: async () => this.mesh }),
      ...{ env, store, log, operations, seal, farm: farm.value, host: host.value },
      certificates: createCertificates({
        env,
        store,
        log,
        run: createRunner(),
        failpoint: () => {},
        ...noCertificates,
      }),
      runtime: heldBy(life, this.runtime, act('runtime')),
      inside: this.inside ?? withoutJournal(createInside(this.runtime)),
      askHealth: async (asked) => this.unwell(asked),
      storage: pools.storage,
      pools,
      network: heldBy(life, this.network, act('network')),
      firewall: heldBy(life, this.firewall, act('firewall')),
      names: heldBy(life, this.names),
      edge: heldBy(life, this.edge),
      knock: async () => (this.listens ? 'open' : 'refused'),
      hashPassword: async () => `$6$sim$${'x'.repeat(86)}`,
      builder: heldBy(life, { ...builder, build: () => this.builds.then(() => built) }),
      images: heldBy(life, createFakeImages()),
      uploads: new Uploads(this.uploadsDir, env),
      failpoint: (name) => this.failpoint(life, name),
      ...(this.peers ? { peers: this.peers } : {}),
    }
  }

  /** The daemon dies when it has passed so many failpoints from now on. */
  killAfter(failpoints: number): void {
    this.dieAt = this.passed.length + failpoints
  }

  /** At the nth time that it passes this one, from now on. */
  killAt(name: string, nth: number): void {
    const from = this.passed.length
    this.dies = (passed) => passed.slice(from).filter((each) => each === name).length === nth
  }

  kill(): void {
    assert.ok(this.running)
    this.running.life.alive = false
    this.say('daemon', 'is killed')
  }

  private failpoint(life: Lifeline, name: string): void {
    if (!life.alive) throw new Error('dead')
    this.passed.push(name)
    if (this.passed.length <= this.dieAt && !this.dies(this.passed)) return
    this.dies = () => false
    this.dieAt = Number.POSITIVE_INFINITY
    life.alive = false
    this.say('daemon', `is killed at ${name}`)
    throw new Error('dead')
  }

  /** For what loops of the farm ask, who go through no route. */
  get daemon(): WholeDaemon {
    assert.ok(this.running)
    return this.running.daemon
  }

  get parts(): HostParts {
    assert.ok(this.running)
    return this.running.parts
  }

  get uploads(): Uploads {
    return this.parts.uploads
  }

  get isAlive(): boolean {
    return this.running?.life.alive === true
  }

  /** A request as the HTTP server hands it on. */
  async ask<R extends keyof Handlers>(route: R, { params = {}, body, query = {} }: Asked): Promise<unknown> {
    assert.ok(this.running)
    const words = [route, ...Object.values(params), ...(body === undefined ? [] : [JSON.stringify(body)])].join(' ')
    this.say('api', words)
    const schema = (bodies as Partial<Record<RouteName, { parse(value: unknown): unknown }>>)[route]
    const asking = (queries as Partial<Record<RouteName, { parse(value: unknown): unknown }>>)[route]
    const request = { params, query: asking?.parse(query) ?? {}, body: schema?.parse(body ?? {}), caller }
    try {
      const handle = handlers[route] as unknown as Handler<RouteName>
      const answer = handle(this.running.daemon, request as unknown as Parameters<typeof handle>[1])
      return await this.heard(answer)
    } catch (thrown) {
      this.refused = toCroftError(thrown)
      this.say('api', `→ ${this.refused.code}: ${this.refused.message}`)
      return undefined
    }
  }

  /** Who asked a daemon that dies meanwhile hears nothing. */
  async heard(answer: Promise<unknown>): Promise<unknown> {
    const is = { open: true }
    const close = () => {
      is.open = false
    }
    answer.then(close, close)
    do await quiet()
    while (is.open && this.isAlive)
    return is.open ? undefined : answer
  }

  pass(seconds: number): Promise<void> {
    return this.clock.pass(seconds)
  }

  async stateOf(name: string): Promise<GuestState | 'gone'> {
    const guests = await readAll<GuestRecord>(this.store, keys.guests(this.hostName))
    const guest = guests.find(({ value }) => value.name === name)
    if (!guest) return 'gone'
    return (
      (await read<GuestStatus>(this.store, keys.guestStatus(this.hostName, guest.value.number)))?.value.state ??
      'creating'
    )
  }

  async operations(): Promise<readonly Operation[]> {
    return (await readAll<Operation>(this.store, keys.operations)).map(({ value }) => value)
  }

  /** What still differs between wish and fact. */
  async left(): Promise<readonly string[]> {
    assert.ok(this.running)
    const open = this.running.daemon.open()
    assert.ok(open)
    const was = this.silent
    this.silent = true
    const steps = await planHost(open.parts, open.loop)
    this.silent = was
    return steps.map(({ what, step, detail }) => `${what}: ${step} (${detail})`)
  }

  say(who: string, text: string): void {
    if (this.silent) return
    const time = this.clock.seconds - 1
    this.lines.push(`${time.toFixed(1).padStart(6)} ${who.padEnd(6)} ${text}`)
  }

  private wrote(writes: readonly Write[]): void {
    for (const write of writes) {
      if (!('put' in write)) continue
      const { put: key, value } = write
      const guest = /^status\/ash\/guest\/0*(\d+)$/.exec(key)
      if (guest) this.say('status', told(`guest ${guest[1]} ${(value as GuestStatus).state}`, reasonOf(value)))
      const snapshot = /^status\/ash\/snapshot\/(.+)$/.exec(key)
      if (snapshot) this.say('status', `snapshot ${snapshot[1]} ${(value as { state: string }).state}`)
      const operation = value as Operation
      if (key.startsWith('operations/') && operation.state !== 'running')
        this.say('op', told(`${operation.verb} ${operation.target.name} ${operation.state}`, operation.error ?? {}))
    }
  }
}

const caller = { name: 'root', role: 'operator' } as const

const built = { sizeBytes: 1, sha256: 'c0ffee', facts: {} }
const builder: Omit<TemplateBuilder, 'build'> = {
  name: 'sim',
  check() {},
  async sweep() {},
}

/** A real process takes real time, which no clock of ours knows of; who tells of journals says so by `inside`. */
const withoutJournal = (inside: Inside): Inside => ({
  run: async (number, words, options) =>
    words[0] === 'journalctl' ? { code: 0, lines: [] } : inside.run(number, words, options),
})
