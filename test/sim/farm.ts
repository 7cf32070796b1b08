/**
 * A host with all our daemon code, over fakes and a clock that we move. A daemon can be killed at any named failpoint and
 * another be built over the same store and the same fakes. What happens is told in a log.
 */
import assert from 'node:assert/strict'
import { type CroftError, toCroftError } from '../../src/api/errors.ts'
import type { GuestState, GuestStatus } from '../../src/api/guest.ts'
import type { Operation } from '../../src/api/resources.ts'
import { createCertificates } from '../../src/daemon/certificates/certificates.ts'
import { createRouteChecks } from '../../src/daemon/checks/routes.ts'
import type { Daemon, WholeDaemon } from '../../src/daemon/daemon.ts'
import type { Env } from '../../src/daemon/env.ts'
import { createBuilds } from '../../src/daemon/farm/builds.ts'
import type { Asked as AskedHealth } from '../../src/daemon/farm/health.ts'
import { onlyLeader, type Reign } from '../../src/daemon/farm/leader.ts'
import { createRollouts } from '../../src/daemon/farm/rollouts.ts'
import { createInside, type Inside } from '../../src/daemon/host/inside.ts'
import { createHostLoop } from '../../src/daemon/host/loop.ts'
import { createHostPace } from '../../src/daemon/host/pace.ts'
import type { HostParts } from '../../src/daemon/host/parts.ts'
import { planHost } from '../../src/daemon/host/plan-host.ts'
import { createPools } from '../../src/daemon/host/pools.ts'
import { createTurns } from '../../src/daemon/host/turns.ts'
import type { Handlers } from '../../src/daemon/http/handler.ts'
import { createOutside } from '../../src/daemon/http/outside.ts'
import { writeFarm } from '../../src/daemon/init.ts'
import { createElsewhere } from '../../src/daemon/mesh/elsewhere.ts'
import { createHostMesh } from '../../src/daemon/mesh/mesh.ts'
import { Operations } from '../../src/daemon/operations/operations.ts'
import type { Others, OthersParts } from '../../src/daemon/peers/others.ts'
import { keys } from '../../src/daemon/records/keys.ts'
import { getOwnHost } from '../../src/daemon/records/own-host.ts'
import { type FarmRecord, type GuestRecord, read, readAll } from '../../src/daemon/records/records.ts'
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
import { createFakeStorage } from '../../src/drivers/storage/fake/index.ts'
import type { Release } from '../../src/plan/versions.ts'
import { createMemoryStore } from '../../src/store/memory/index.ts'
import type { Write } from '../../src/store/store.ts'
import { createFakeArrivals } from './arrivals.ts'
import { type Asked, answerTo, checked } from './asking.ts'
import { quiet, SimClock } from './clock.ts'
import { builder, built, noCertificates, paths, pool, seal, withoutJournal } from './given.ts'
import { heldBy, type Lifeline } from './lifeline.ts'
import { simVlans } from './vlans.ts'
import { createWeakStore } from './weak-store.ts'
import { tell, tellWrites, told } from './words.ts'

interface Running {
  readonly life: Lifeline
  readonly daemon: WholeDaemon
  readonly parts: HostParts
}

export interface SimOptions {
  /** `ash` without. */
  readonly hostName?: string
  /** Of another host of the farm, whose store, clock and log it has. */
  readonly beside?: SimFarm
  /** One of several: what it knows of the others. */
  readonly others?: (own: SimFarm, parts: Omit<OthersParts, 'own' | 'material'>) => Promise<Others>
  /** How a host comes into the farm, where it is told. */
  readonly joining?: WholeDaemon['joining']
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
  readonly vlans = simVlans()
  readonly wire: ReturnType<typeof fakeWire>
  readonly mesh: ReturnType<typeof createFakeMesh>
  /** Whether programs in guests take connections. */
  listens = true
  /** Why the edge takes nothing, as when somebody else has its ports. */
  edgeRefuses: Error | undefined
  readonly edge = createFakeEdge({ refuses: () => this.edgeRefuses })
  /** The farm's; this host's way to it can be cut. */
  readonly store: ReturnType<typeof createWeakStore>
  readonly lines: string[]
  ca = noCertificates.ca
  /** Its croft. */
  croft: Release = { ...releaseFrom({}), version: 'sim' }
  /** How far the wall clock of this host is off. */
  offMs = 0
  refused: CroftError | undefined
  /** Every failpoint that was passed, in order. */
  readonly passed: string[] = []
  /** Files that were sent lie on a real disk. */
  uploadsDir = '/nowhere'
  readonly arrivals = createFakeArrivals()
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
  private readonly options: SimOptions
  private readonly acts = new Map<string, () => void>()
  private dieAt = Number.POSITIVE_INFINITY
  private dies: (passed: readonly string[]) => boolean = () => false

  constructor(options: SimOptions = {}) {
    const { hostName = 'ash', beside } = options
    this.options = options
    this.hostName = hostName
    this.clock = beside?.clock ?? new SimClock()
    this.lines = (options.others && beside?.lines) || []
    this.wire = beside?.wire ?? fakeWire()
    this.mesh = createFakeMesh({ wire: this.wire, endpoint: `${hostName}:51820` })
    this.runtime = createFakeRuntime(this.clock)
    const inner = beside?.store.inner ?? createMemoryStore({ now: () => this.clock.seconds * 1000 })
    this.store = createWeakStore(inner, (writes) => this.wrote(writes))
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
    const env = this.env(life)
    const store = heldBy(life, this.store)
    if (this.options.others) await enterVersions(store, this.hostName, this.croft)
    const operations = new Operations(store, env)
    await operations.recover(this.hostName, this.options.others !== undefined)
    const parts = await this.build(life, operations)
    const loop = createHostLoop(parts)
    const usage = createUsageBoard(parts)
    const numbering = createTurns(1, env)
    const checks = createRouteChecks({ ...parts, farmCa: () => null, everyMs: 300_000 })
    const nudge = (number: number) => loop.nudge(number)
    const sight = { env, store, operations, log: parts.log, nudge, shutOut: () => {} }
    const others = await this.options.others?.(this, sight)
    const leader = others?.leader ?? onlyLeader(store, this.hostName)
    const some: Daemon = { env, store: leader.store, operations, open: () => daemon.open() }
    const builds = createBuilds(some, '')
    let rollouts = createRollouts(some)
    const loops: Reign = {
      begin: async () => {
        await operations.takeOver()
        await rollouts.begin()
      },
      end: async () => {
        const old = rollouts
        rollouts = createRollouts(some)
        await old.close()
        operations.letGo()
      },
    }
    const daemon: WholeDaemon = {
      ...{ env, store, operations, version: 'sim', hostName: this.hostName },
      open: () => ({
        ...{ parts, loop, numbering, usage, certificates: parts.certificates, checks, builds, rollouts, leader, loops },
        ...(others ? { others } : {}),
      }),
      others: () => others,
      outside: createOutside(
        { env, log: parts.log, run: createRunner(), folder: '', store: () => store },
        () => undefined,
      ),
      sessions: createSessions({ env, log: parts.log }),
      joining: this.options.joining ?? (() => Promise.reject(new Error('one host alone'))),
      storeCare: () => Promise.reject(new Error('the store is in memory')),
      init: async () => ({ lines: [] }),
      diagnose: async () => [],
      mend: async () => [],
    }
    this.running = { life, daemon, parts }
    this.say('daemon', 'begins')
    await loop.begin()
    loop.between.begin(daemon)
    await leader.follow(loops)
    await quiet()
  }

  private env(life: Lifeline): Env {
    const env = this.clock.env(() => life.alive)
    return { ...env, now: () => env.now() + this.offMs }
  }

  private async build(life: Lifeline, operations: Operations): Promise<HostParts> {
    const farm = await read<FarmRecord>(this.store, keys.farm)
    assert.ok(farm)
    const host = { value: await getOwnHost(this.store, this.hostName) }
    const act = (family: string) => (method: string, args: unknown[]) => {
      const text = tell(family, method, args)
      if (text !== undefined) this.say('host', text)
    }
    const env = this.env(life)
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
        ...{ ...noCertificates, ca: this.ca },
      }),
      runtime: heldBy(life, this.runtime, act('runtime')),
      inside: this.inside ?? withoutJournal(createInside(this.runtime)),
      askHealth: async (asked) => this.unwell(asked),
      ...{ pools, storage: pools.storage, pace: createHostPace(others) },
      network: heldBy(life, this.network, act('network')),
      firewall: heldBy(life, this.firewall, act('firewall')),
      ...{ names: heldBy(life, this.names), edge: heldBy(life, this.edge) },
      knock: async () => (this.listens ? 'open' : 'refused'),
      hashPassword: async () => `$6$sim$${'x'.repeat(86)}`,
      builder: heldBy(life, { ...builder, build: () => this.builds.then(() => built) }),
      images: heldBy(life, createFakeImages()),
      ...{ uploads: new Uploads(this.uploadsDir, env), arrivals: heldBy(life, this.arrivals) },
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

  /** Done at that moment, once. */
  when(name: string, act: () => void): void {
    this.acts.set(name, act)
  }

  kill(): void {
    assert.ok(this.running)
    this.running.life.alive = false
    this.say('daemon', 'is killed')
  }

  private failpoint(life: Lifeline, name: string): void {
    if (!life.alive) throw new Error('dead')
    this.passed.push(name)
    const act = this.acts.get(name)
    if (this.acts.delete(name)) act?.()
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

  /** Asked on this host; what fails is told. */
  async ask<R extends keyof Handlers>(route: R, asked: Asked): Promise<unknown> {
    const { params = {}, body } = asked
    const words = [route, ...Object.values(params), ...(body === undefined ? [] : [JSON.stringify(body)])].join(' ')
    this.say('api', words)
    const request = { ...asked, ...checked(route, asked) }
    try {
      return await this.heard(answerTo(this.daemon, route, request))
    } catch (thrown) {
      const error = toCroftError(thrown)
      this.refused = error
      this.say('api', `→ ${error.code}: ${error.message}`)
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
    const host = this.options.others ? `${this.hostName.padEnd(6)} ` : ''
    const line = `${this.stamp} ${host}${who.padEnd(6)} ${text}`
    if (host === '' || this.lines.at(-1) !== line) this.lines.push(line)
  }

  get stamp(): string {
    return (this.clock.seconds - 1).toFixed(1).padStart(6)
  }

  private wrote(writes: readonly Write[]): void {
    for (const [who, text] of tellWrites(writes)) this.say(who, text)
  }
}
