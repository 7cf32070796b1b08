/** A runtime in memory with the semantics of the real one. Guests live and die by the clock that is passed in. */
import { createHash } from 'node:crypto'
import type { SeedFile } from '../../../api/app.ts'
import { CroftError } from '../../../api/errors.ts'
import type { Counted, Limits } from '../../../api/guest.ts'
import type { Command } from '../../exec/command.ts'
import { checkDefinition, checkDisk, checkNumber } from '../check.ts'
import type { AttachOptions, Definition, KeyPair, Observed, Runtime } from '../driver.ts'
import { seedArchive } from '../seed.ts'

export interface FakeClock {
  now(): number
  later(ms: number, work: () => void): Disposable
}

/** How a guest behaves from now on; what is not named is as usual: it starts, lives, and halts 100 ms after it was asked. */
export interface Behaviour {
  readonly startFails?: string
  readonly diesAfterMs?: number
  readonly ignoresStop?: boolean
  /** Its init misses what it is asked so long after its start. */
  readonly deafForMs?: number
}

export interface FakeRuntime extends Runtime {
  behave(number: number, behaviour: Behaviour): void
  /** As a crash, or a halt from inside. */
  die(number: number): void
  /** As a daemon in it does. */
  endOne(number: number): void
  /** What its console prints. */
  say(number: number, text: string): void
  /** How often it was really started; two while it lived would be a second copy. */
  starts(number: number): number
  /** The root it runs from, as it was defined at its start. */
  rootOf(number: number): string | undefined
  lent(number: number): KeyPair | undefined
  /** What was last put on that disk. */
  planted(rootPath: string): readonly SeedFile[] | undefined
}

interface Alive {
  readonly pid: number
  readonly startedAt: string
  readonly rootPath: string
  readonly timers: Disposable[]
  limits: Limits
  frozen: boolean
}

interface Guest {
  definition: Definition | undefined
  hash: string | undefined
  alive: Alive | undefined
  behaviour: Behaviour
  console: string
  /** How much of it is from before its last start. */
  consoleStart: number
  starts: number
  /** Processes of it that ended. */
  ends: number
  readonly watchers: Set<() => void>
  lent: KeyPair | undefined
}

const haltMs = 100

export function createFakeRuntime(clock: FakeClock): FakeRuntime {
  const guests = new Map<number, Guest>()
  const planted = new Map<string, readonly SeedFile[]>()
  const world = { nextPid: 1000 }

  const guestOf = (number: number): Guest => {
    checkNumber(number)
    const known = guests.get(number)
    if (known) return known
    const guest: Guest = {
      ...{ definition: undefined, hash: undefined, alive: undefined, lent: undefined },
      ...{ behaviour: {}, console: '', consoleStart: 0, starts: 0, ends: 0, watchers: new Set<() => void>() },
    }
    guests.set(number, guest)
    return guest
  }

  const aliveOf = (number: number): Alive => {
    const { alive } = guestOf(number)
    if (alive) return alive
    throw new CroftError('NOT_RUNNING', `guest ${number} does not run`)
  }

  function end(number: number): void {
    const guest = guestOf(number)
    for (const timer of guest.alive?.timers ?? []) timer[Symbol.dispose]()
    guest.alive = undefined
    const watchers = [...guest.watchers]
    guest.watchers.clear()
    for (const tell of watchers) queueMicrotask(tell)
  }

  function start(number: number): void {
    const guest = guestOf(number)
    if (guest.alive) return
    if (!guest.definition) throw new CroftError('START_FAILED', 'conf: it is not defined')
    if (guest.behaviour.startFails !== undefined) throw new CroftError('START_FAILED', guest.behaviour.startFails)
    const { limits, rootPath } = guest.definition
    const startedAt = new Date(clock.now()).toISOString()
    guest.alive = { pid: world.nextPid++, startedAt, rootPath, timers: [], limits, frozen: false }
    guest.starts += 1
    guest.consoleStart = guest.console.length
    const { diesAfterMs } = guest.behaviour
    if (diesAfterMs !== undefined) guest.alive.timers.push(clock.later(diesAfterMs, () => end(number)))
  }

  return {
    name: 'fake',
    list: async () =>
      [...guests.keys()].sort((a, b) => a - b).flatMap((number) => observed(number, guests.get(number)) ?? []),
    observe: async (number) => observed(number, guests.get(number)),
    hash: (definition) => createHash('sha256').update(JSON.stringify(definition)).digest('hex'),
    async define(definition) {
      checkDefinition(definition)
      Object.assign(guestOf(definition.number), { definition, hash: this.hash(definition) })
    },
    async start(number, signal) {
      signal?.throwIfAborted()
      start(number)
    },
    async lend({ number }, pair) {
      if (guestOf(number).definition) guestOf(number).lent = pair
    },
    async askToStop(number) {
      const { alive, behaviour } = guestOf(number)
      const age = alive ? clock.now() - Date.parse(alive.startedAt) : 0
      if (behaviour.ignoresStop || age < (behaviour.deafForMs ?? 0)) return
      alive?.timers.push(clock.later(haltMs, () => alive.frozen || end(number)))
    },
    async kill(number) {
      if (guestOf(number).alive) end(number)
    },
    async freeze(number) {
      aliveOf(number).frozen = true
    },
    async unfreeze(number) {
      aliveOf(number).frozen = false
    },
    async setLimits(number, limits) {
      aliveOf(number).limits = limits
    },
    usage: async (number) => usageOf(guestOf(number).alive),
    pulse: async (number) => {
      const { alive, ends } = guestOf(number)
      return alive && `${alive.pid} ${ends}`
    },
    async remove(number) {
      if (guestOf(number).alive) throw new CroftError('BUSY', `guest ${number} still runs`)
      Object.assign(guestOf(number), {
        definition: undefined,
        hash: undefined,
        lent: undefined,
        console: '',
        consoleStart: 0,
      })
    },
    async tidy() {},
    attach: (number, options) => attachCommand(number, options),
    async checkMount() {},

    async onDisk(disk) {
      checkDisk(disk)
      return attachCommand(disk.number, { command: [], env: {} })
    },
    async plant(disk, files) {
      checkDisk(disk)
      seedArchive(files)
      if (guestOf(disk.number).alive) throw new CroftError('BUSY', `guest ${disk.number} runs`)
      planted.set(disk.rootPath, structuredClone(files))
    },
    console: (number) => attachCommand(number, { command: ['cat'], env: {} }),
    consoleTail: async (number, maxBytes, sinceStart = false) => {
      const { console, consoleStart } = guestOf(number)
      const bytes = Buffer.from(console.slice(sinceStart ? consoleStart : 0))
      return bytes.subarray(Math.max(0, bytes.length - maxBytes)).toString('utf8')
    },
    onExit(number, callback) {
      const guest = guestOf(number)
      const tell = () => callback()
      if (guest.alive) guest.watchers.add(tell)
      const soon = guest.alive ? undefined : clock.later(0, tell)
      return {
        [Symbol.dispose]() {
          guest.watchers.delete(tell)
          soon?.[Symbol.dispose]()
        },
      }
    },

    behave: (number, behaviour) => Object.assign(guestOf(number), { behaviour }),
    die: (number) => end(number),
    endOne: (number) => {
      guestOf(number).ends += 1
    },
    say: (number, text) => {
      guestOf(number).console += text
    },
    starts: (number) => guestOf(number).starts,
    planted: (rootPath) => planted.get(rootPath),
    lent: (number) => guestOf(number).lent,
    rootOf: (number) => guestOf(number).alive?.rootPath,
  }
}

function observed(number: number, guest: Guest | undefined): Observed | undefined {
  if (!guest || (guest.alive === undefined && guest.hash === undefined)) return undefined
  const definition = guest.hash === undefined ? {} : { definition: guest.hash }
  if (!guest.alive) return { number, state: 'stopped', ...definition }
  const { pid, startedAt, frozen } = guest.alive
  return { number, state: frozen ? 'frozen' : 'running', pid, startedAt, ...definition }
}

function usageOf(alive: Alive | undefined): Counted | undefined {
  return (
    alive && {
      ...{ cpuSeconds: 0, memoryBytes: 0, processes: 1, netInBytes: 0, netOutBytes: 0 },
      ...{ diskReadBytes: 0, diskWriteBytes: 0, oomKills: 0 },
      memoryLimit: alive.limits.memoryBytes ?? null,
      processLimit: alive.limits.processes ?? null,
    }
  )
}

/** There is no inside: the words run beside the test, with the environment that a guest would give them. */
function attachCommand(number: number, { command, env }: AttachOptions): Command {
  checkNumber(number)
  const environment = Object.entries(env).map(([key, value]) => `${key}=${value}`)
  return { file: 'env', args: ['-i', '--', ...environment, ...command], timeoutMs: 24 * 3600 * 1000 }
}
