/** Two hosts of one farm in one process: one store, one clock, and a way between them that can be cut. */
import { Readable } from 'node:stream'
import { CroftError, toCroftError } from '../../src/api/errors.ts'
import { handlers } from '../../src/daemon/http/handlers/table.ts'
import type { PeerAnswer, PeerRequest } from '../../src/daemon/peers/peers.ts'
import { keys } from '../../src/daemon/records/keys.ts'
import { read } from '../../src/daemon/records/records.ts'
import { SimFarm } from './farm.ts'

export class TwoHosts {
  readonly ash: SimFarm
  readonly birch: SimFarm
  /** After so many bytes of each disk the line breaks; nothing passes at 0. */
  passes = Number.POSITIVE_INFINITY
  /** Disks that are sent come to no end. */
  stalls = false
  readonly asked: string[] = []

  constructor() {
    this.ash = new SimFarm()
    this.birch = new SimFarm({ hostName: 'birch', beside: this.ash })
    this.ash.peers = () => this.#wayFrom('ash')
    this.birch.peers = () => this.#wayFrom('birch')
  }

  async open(): Promise<this> {
    await this.ash.open()
    const copy = async (from: string, to: string, change: object) => {
      const found = await read<object>(this.ash.store, from)
      await this.ash.store.transact([], [{ put: to, value: { ...found?.value, ...change } }])
    }
    await copy(keys.host('ash'), keys.host('birch'), { name: 'birch', number: 2 })
    await copy(keys.numbers('ash'), keys.numbers('birch'), { blocks: [1], next: 257, used: [], slots: [] })
    await copy(keys.pool('ash', 'default'), keys.pool('birch', 'default'), {})
    await copy('facts/none', keys.facts('birch'), facts)
    await copy('facts/none', keys.facts('ash'), facts)
    await this.birch.storage.open()
    await this.birch.boot()
    await this.pass(1)
    return this
  }

  async pass(seconds: number): Promise<void> {
    for (let step = 0; step < seconds * 20; step++) {
      await this.ash.clock.pass(0.05)
      await new Promise((go) => setTimeout(go, 1))
    }
  }

  /** Long, in coarse steps: for hosts that have little to do. */
  async skip(seconds: number): Promise<void> {
    for (let step = 0; step < seconds; step += 5) {
      await this.ash.clock.pass(5)
      await new Promise((go) => setTimeout(go, 1))
    }
  }

  /** Until it is so, or a minute of the hosts' time has passed. */
  async until(isSo: () => Promise<boolean>): Promise<boolean> {
    for (let tries = 0; tries < 120; tries++) {
      if (await isSo()) return true
      await this.pass(0.5)
    }
    return false
  }

  #wayFrom(own: string) {
    return {
      request: async (host: string, asked: PeerRequest): Promise<PeerAnswer> => {
        const farm = host === 'ash' ? this.ash : this.birch
        this.asked.push(`${asked.method} ${asked.path}`)
        if (!farm.isAlive || this.passes === 0)
          throw new CroftError('HOST_UNREACHABLE', `host ${host} does not answer`, { hint: 'croft host ls' })
        if (this.stalls && asked.body instanceof Readable) await untilAborted(asked.signal)
        return answer(farm, own, asked, this.passes)
      },
    }
  }
}

const ways = [
  ['lookForPeer', /^\/v1\/peers\/guests\/(?<host>\w+)\/(?<number>\d+)$/],
  ['sendTemplate', /^\/v1\/peers\/templates\/(?<disk>[\w-]+)$/],
  ['landFromPeer', /^\/v1\/peers\/moves\/(?<number>\d+)\/land$/],
  ['receiveReplica', /^\/v1\/peers\/replicas\/(?<number>\d+)\/disks\/(?<disk>[\w-]+)$/],
  ['pruneReplica', /^\/v1\/peers\/replicas\/(?<number>\d+)\/prune$/],
  ['receiveFromPeer', /^\/v1\/peers\/moves\/(?<number>\d+)\/disks\/(?<disk>[\w-]+)$/],
] as const

async function answer(farm: SimFarm, own: string, asked: PeerRequest, passes: number): Promise<PeerAnswer> {
  for (const [route, pattern] of ways) {
    const match = pattern.exec(asked.path)
    if (!match) continue
    const request = {
      ...{ params: { ...match.groups }, query: {}, caller: { name: `host:${own}`, role: 'host' as const } },
      body: typeof asked.body === 'string' ? JSON.parse(asked.body) : undefined,
      stream: asked.body instanceof Readable ? Readable.from(cut(asked.body, passes)) : undefined,
      closed: asked.signal ?? new AbortController().signal,
    }
    const handle = handlers[route] as (daemon: unknown, request: unknown) => Promise<unknown>
    try {
      const found = await handle(farm.daemon, request)
      if (!farm.isAlive) throw new CroftError('HOST_UNREACHABLE', 'it hung up')
      const stream = (found as { stream?: Readable }).stream
      const body = stream ? Readable.from(cut(stream, passes)) : Readable.from([Buffer.from(JSON.stringify(found))])
      return { status: 200, headers: {}, body }
    } catch (thrown) {
      if (!farm.isAlive) throw new CroftError('HOST_UNREACHABLE', 'it hung up')
      const error = toCroftError(thrown)
      return { status: 500, headers: {}, body: Readable.from([Buffer.from(JSON.stringify(error.toBody()))]) }
    }
  }
  throw new Error(`no way ${asked.path}`)
}

const untilAborted = (signal: AbortSignal | undefined): Promise<never> =>
  new Promise((_, refuse) => signal?.addEventListener('abort', () => refuse(signal.reason)))

async function* cut(stream: Readable, passes: number): AsyncGenerator<Buffer> {
  let left = passes
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    left -= chunk.length
    if (left < 0) throw new CroftError('HOST_UNREACHABLE', 'the line broke')
    yield chunk
  }
}

const facts = {
  ...{ schema: 1, at: '2026-01-01T00:00:00Z', cpus: 4, load: 0 },
  memory: { totalBytes: 2 ** 36, freeBytes: 2 ** 36 },
  pools: { default: { totalBytes: 2 ** 40, freeBytes: 2 ** 40 } },
  templates: [],
}
