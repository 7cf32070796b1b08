/**
 * Hosts of one farm in one process, for stories: each a whole daemon over fakes, one store, one clock that we move, and wires
 * between them that can be cut. What happens on any of them is told in one log.
 */
import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import type { AppConfig } from '../../src/api/app.ts'
import { CroftError, toCroftError } from '../../src/api/errors.ts'
import type { Operation } from '../../src/api/resources.ts'
import { type RouteName, routes } from '../../src/api/routes.ts'
import { bindInvitation } from '../../src/daemon/join/admit.ts'
import { removeHost } from '../../src/daemon/join/leave.ts'
import { reserveHost } from '../../src/daemon/join/reserve.ts'
import { openOthers } from '../../src/daemon/peers/others.ts'
import type { PeerAnswer, PeerRequest, Peers } from '../../src/daemon/peers/peers.ts'
import { findElsewhere } from '../../src/daemon/peers/whose.ts'
import { findInvitationOf, makeInvitation } from '../../src/daemon/records/invitations.ts'
import { keys } from '../../src/daemon/records/keys.ts'
import { commitTemplate } from '../../src/daemon/records/new-template.ts'
import { type GuestRecord, type HostRecord, readAll } from '../../src/daemon/records/records.ts'
import { type Asked, answerTo, checked, root } from './asking.ts'
import { quiet } from './clock.ts'
import { SimFarm } from './farm.ts'
import './loaded.ts'
import { plain } from './sites-farm.ts'

/** Long enough for streams that go through several hands; what is begun ends before the clock goes on. */
const turns = 6
const unreachableMs = 2000

export class SimHosts {
  readonly hosts = new Map<string, SimFarm>()
  /** After so many bytes of each file the line breaks; nothing passes at 0. */
  passes = Number.POSITIVE_INFINITY
  private readonly cuts = new Set<string>()
  private passing: Promise<void> = Promise.resolve()

  static async open(...names: string[]): Promise<SimHosts> {
    const farm = new SimHosts()
    const [first = 'ash', ...rest] = names
    await farm.host(first).open()
    const told = farm.lines.length
    for (const name of rest) await farm.join(name, await farm.invite())
    await farm.pass(6)
    farm.lines.splice(told)
    return farm
  }

  get(name: string): SimFarm {
    return this.hosts.get(name) ?? assert.fail(`no host ${name}`)
  }
  get ash(): SimFarm {
    return this.get('ash')
  }
  get birch(): SimFarm {
    return this.get('birch')
  }
  get cedar(): SimFarm {
    return this.get('cedar')
  }
  get lines(): string[] {
    return this.ash.lines
  }
  get store() {
    return this.ash.store.inner
  }

  private host(name: string): SimFarm {
    const [beside] = this.hosts.values()
    const farm: SimFarm = new SimFarm({
      ...{ hostName: name, ...(beside ? { beside } : {}) },
      others: (own, parts) =>
        openOthers({ ...parts, own: own.hostName, material: () => assert.fail(), peers: this.wayFrom(own) }),
      joining: async () => ({
        admit: async (invitation, asked, from) => {
          const { env, store } = farm.daemon
          await bindInvitation({ env, store: () => store }, invitation, { ...asked, from })
          const { name: of, id } = farm.parts.farm
          return {
            ...{ invitation, farm: { name: of, id }, ca: '', seal: '', storeCas: '' },
            store: { kind: 'etcd', endpoints: [] },
          }
        },
        join: () => assert.fail(),
        leave: async (by, reason) => {
          await removeHost(farm.parts, farm.store, { own: name, by, reason })
          farm.say('host', 'is none of the farm any more')
          farm.kill()
          this.hosts.delete(name)
        },
        plan: () => assert.fail(),
      }),
    })
    farm.peers = () => farm.daemon.others?.()?.peers
    this.hosts.set(name, farm)
    return farm
  }

  /** One after another: who asks lets time pass too. */
  pass(seconds: number): Promise<void> {
    this.passing = this.passing.then(async () => {
      for (let step = 0; step < seconds * 20; step++) {
        await this.ash.clock.pass(0.05)
        for (let turn = 0; turn < turns; turn++) await quiet()
      }
    })
    return this.passing
  }

  /** Until it is so, or so many seconds have passed. */
  async until(isSo: () => Promise<boolean> | boolean, seconds = 60): Promise<boolean> {
    for (let tries = 0; tries < seconds * 2; tries++) {
      if (await isSo()) return true
      await this.pass(0.5)
    }
    return false
  }

  /** Asked on that host by root there, and carried to whose it is, as the HTTP server does it; time passes until it is answered. */
  async ask(host: string, route: RouteName, asked: Asked = {}): Promise<unknown> {
    const is = { open: true }
    const answer = this.begin(host, route, asked).finally(() => {
      is.open = false
    })
    for (let turn = 0; turn < 4 * turns && is.open; turn++) await quiet()
    while (is.open && this.hosts.get(host)?.isAlive) await this.pass(0.05)
    return is.open ? undefined : answer
  }

  /** Time does not pass by itself. */
  begin(host: string, route: RouteName, asked: Asked = {}): Promise<unknown> {
    const { params = {}, body } = asked
    const farm = this.get(host)
    const words = [route, ...Object.values(params), ...(body === undefined ? [] : [JSON.stringify(body)])].join(' ')
    farm.say('api', words)
    return this.answer(farm, route, asked).catch((thrown) => {
      const error = toCroftError(thrown)
      farm.say('api', `→ ${error.code}: ${error.message}`)
      return undefined
    })
  }

  private async answer(farm: SimFarm, route: RouteName, asked: Asked): Promise<unknown> {
    const others = farm.daemon.others?.() ?? assert.fail()
    const isHost = (name: string) => others.find(name) !== undefined
    const sight = { store: farm.store, own: farm.hostName, isHost, leader: others.leader.host }
    const elsewhere = await findElsewhere(sight, route, checked(route, asked))
    const here = () => answerTo(farm.daemon, route, { ...asked, ...checked(route, asked) })
    if (!elsewhere) return here()
    const { caller, ...rest } = asked
    const carried = { ...rest, caller: { name: 'root', role: 'operator', ...caller, via: farm.hostName } as const }
    const there = await this.reach(farm, elsewhere.host).catch((thrown) => {
      if (elsewhere.away) return undefined
      throw thrown
    })
    return there ? this.heardFrom(there, this.answer(there, route, carried)) : here()
  }

  /** A cut wire says nothing; a daemon that is dead takes no connection. */
  private async reach(from: SimFarm, to: string): Promise<SimFarm> {
    const there = this.hosts.get(to)
    if (this.cuts.has(from.hostName) || this.cuts.has(to) || this.passes === 0)
      await new Promise<void>((resolve) => void from.clock.later(unreachableMs, resolve))
    else if (there?.isAlive) return there
    throw new CroftError('HOST_UNREACHABLE', `host ${to} does not answer`, { hint: 'croft host ls' })
  }

  /** Whose daemon dies meanwhile hangs up. */
  private async heardFrom<T>(there: SimFarm, answer: Promise<T>): Promise<T> {
    const found = await there.heard(answer)
    if (there.isAlive && !this.cuts.has(there.hostName)) return found as T
    throw new CroftError('HOST_UNREACHABLE', `host ${there.hostName} hung up`, { hint: 'croft host ls' })
  }

  private wayFrom(own: SimFarm): Peers {
    return {
      request: async (host, asked) => this.answerPeer(own, await this.reach(own, host), asked),
      upgrade: () => assert.fail('no story has sessions'),
      close() {},
    }
  }

  private async answerPeer(own: SimFarm, there: SimFarm, asked: PeerRequest): Promise<PeerAnswer> {
    try {
      const { route, params, query } = routeOf(asked)
      const caller = asked.caller
        ? { ...asked.caller, via: own.hostName }
        : { name: `host:${own.hostName}`, role: 'host' as const }
      const request: Asked = {
        ...{ params, query, caller, closed: asked.signal },
        body: typeof asked.body === 'string' ? JSON.parse(asked.body) : undefined,
        stream: asked.body instanceof Readable ? Readable.from(cut(asked.body, this.passes)) : undefined,
      }
      const found = await this.heardFrom(there, this.answer(there, route, request))
      const stream = (found as { stream?: Readable } | undefined)?.stream
      return { status: 200, headers: {}, body: stream ? Readable.from(cut(stream, this.passes)) : said(found) }
    } catch (thrown) {
      const error = toCroftError(thrown)
      if (error.code === 'HOST_UNREACHABLE' && !there.isAlive) throw error
      return { status: 500, headers: {}, body: said(error.toBody()) }
    }
  }

  /** No packet of that host reaches another one, nor the store. */
  cut(host: string): void {
    this.get(host).say('wire', 'is cut')
    this.cuts.add(host)
    this.get(host).store.reachable(false)
  }

  isCut = (host: SimFarm | undefined): boolean => this.cuts.has(host?.hostName ?? '')

  mend(host: string): void {
    this.get(host).say('wire', 'is mended')
    this.cuts.delete(host)
    this.get(host).store.reachable(true)
  }

  /** The host is off: its guests too. */
  async powerOff(host: string): Promise<void> {
    const farm = this.get(host)
    farm.say('host', 'loses power')
    if (farm.isAlive) farm.kill()
    for (const { number } of await farm.runtime.list()) farm.runtime.die(number)
    farm.firewall.flush()
  }

  /** The secret of an invitation that the host makes. */
  async invite(forMs = 3_600_000, host = 'ash'): Promise<string> {
    const farm = this.get(host)
    const { env } = farm.daemon
    farm.say('api', 'inviteHost')
    const { secret, hash, id } = makeInvitation(env)
    const expires = new Date(env.now() + forMs).toISOString()
    const value = { schema: 1, id, hash, created: new Date(env.now()).toISOString(), by: 'root', expires }
    await farm.store.transact([], [{ put: keys.invite(id), value }])
    return secret
  }

  /** `croft join` typed on a host that is none of the farm: all of it that is not files, programs and TLS. */
  async join(
    name: string,
    secret: string,
    { key = `key of ${name}`, at = 'ash', dies = false } = {},
  ): Promise<HostRecord | undefined> {
    const { ash } = this
    const told = (text: string) => ash.lines.push(`${ash.stamp} ${name.padEnd(6)} join   ${text}`)
    try {
      const invitation = await findInvitationOf(ash.store, secret)
      if (!invitation) throw new CroftError('UNAUTHENTICATED', 'no such invitation')
      const caller = {
        name: `invitation:${invitation.value.id}`,
        role: 'invited',
        invitation: invitation.value.id,
      } as const
      await this.answer(this.get(at), 'getInvitation', { caller })
      const body = { name, key: Buffer.from(key).toString('hex').padEnd(64, '0').slice(0, 64), version: 'sim' }
      await this.answer(this.get(at), 'admitHost', { body, caller })
      if (dies) return void told('is let in, and its daemon is killed')
      const host = await reserveHost(ash.daemon.env, this.store, {
        ...{ invitation: invitation.value.id, key: body.key, name, address: `${name}:8443`, by: 'root' },
        ...{ hostKey: `hash of the key of ${name}`, pool: { ...pool } },
      })
      told(`is in, as number ${host.number}`)
      if (this.hosts.has(name)) return host
      const farm = this.host(name)
      await farm.storage.open()
      await farm.boot()
      return host
    } catch (thrown) {
      const error = toCroftError(thrown)
      told(`→ ${error.code}: ${error.message}`)
      return undefined
    }
  }

  /** False: it was refused. */
  async leave(host: string): Promise<boolean> {
    await this.ask(host, 'leaveFarm', { params: { host } })
    return !this.hosts.has(host)
  }

  /** Of the application shop, as its build leaves it with who leads. */
  async release(version: string, config: AppConfig = plain): Promise<void> {
    const release = {
      ...{ app: 'shop', version, commit: null, source: 'a folder', platform: 'plain' as const, config },
      ...{ hash: version, by: 'root', build: 'b', buildSeconds: 1 },
    }
    const wish = { ref: `shop:${version}`, source: { from: 'debian:12', packages: [] } }
    await commitTemplate(this.get(this.leader() ?? '').daemon, root, {}, { ...wish, verb: 'build', release })
    await this.pass(1)
  }

  leader(host = 'ash'): string | undefined {
    return this.get(host).daemon.others?.()?.leader.host()
  }

  /** Guest → host, of all that there are. */
  async guests(): Promise<Record<string, string>> {
    const all = await readAll<GuestRecord>(this.store, keys.allGuests)
    return Object.fromEntries(all.map(({ value }) => [value.name, value.host] as const).sort())
  }

  /** Also while a host does not reach the store. */
  async operations(): Promise<readonly Operation[]> {
    return (await readAll<Operation>(this.store, keys.operations)).map(({ value }) => value)
  }

  /** On how many hosts it runs. */
  async copies(number: number): Promise<string[]> {
    const live: string[] = []
    for (const [name, { runtime }] of this.hosts)
      if (((await runtime.observe(number))?.state ?? 'stopped') !== 'stopped') live.push(name)
    return live
  }
}

const pool = { name: 'default', kind: 'file', source: '/p.img', mountPoint: '/pool', sizeBytes: 2 ** 40 } as const

const said = (value: unknown): Readable => Readable.from([Buffer.from(JSON.stringify(value ?? null))])

function routeOf({ method, path }: PeerRequest): {
  route: RouteName
  params: Record<string, string>
  query: Record<string, string>
} {
  const url = new URL(path, 'http://host')
  const parts = url.pathname.split('/')
  for (const [route, row] of Object.entries(routes)) {
    const pattern = row.path.split('/')
    if (row.method !== method || pattern.length !== parts.length) continue
    if (!pattern.every((part, at) => part.startsWith(':') || part === parts[at])) continue
    const named = pattern.flatMap((part, at) =>
      part.startsWith(':') ? [[part.slice(1), decodeURIComponent(parts[at] ?? '')]] : [],
    )
    return {
      ...{ route: route as RouteName, params: Object.fromEntries(named) },
      query: Object.fromEntries(url.searchParams),
    }
  }
  throw new CroftError('NOT_FOUND', `no route ${method} ${path}`)
}

async function* cut(stream: Readable, passes: number): AsyncGenerator<Buffer> {
  let left = passes
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    left -= chunk.length
    if (left < 0) throw new CroftError('HOST_UNREACHABLE', 'the line broke')
    yield chunk
  }
}
