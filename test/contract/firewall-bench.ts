/**
 * A host with two guests, an outside machine and one beyond, each a network namespace with an agent in it:
 * `outside` — up0 host far0 — `beyond`, and guests on croft1 and croft2. Everything is made anew and removed by `close`.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import type { Command, Runner } from '../../src/drivers/exec/command.ts'
import { createRunner } from '../../src/drivers/exec/runner.ts'
import type { Actions } from './firewall-agent.ts'

export type Place = 'host' | 'one' | 'two' | 'outside' | 'beyond'
const places: readonly Place[] = ['host', 'one', 'two', 'outside', 'beyond']

export const at = {
  one: { v4: '10.100.0.1', v6: 'fd12:3456::1' },
  two: { v4: '10.100.0.2', v6: 'fd12:3456::2' },
  host: { v4: '192.0.2.1', v6: '2001:db8:1::1' },
  outside: { v4: '192.0.2.2', v6: '2001:db8:1::2' },
  beyond: { v4: '198.51.100.2', v6: '2001:db8:2::2' },
} as const

type Answer<Name extends keyof Actions> = ReturnType<Actions[Name]>

export interface Bench extends AsyncDisposable {
  /** Runs commands in the namespace of the host, or another place. */
  runner(place?: Place): Runner
  ip(place: Place, ...args: string[]): Promise<string>
  ask<Name extends keyof Actions>(place: Place, name: Name, ...argument: Parameters<Actions[Name]>): Answer<Name>
}

export async function openBench(): Promise<Bench> {
  const outer = createRunner()
  const names = new Map(places.map((place) => [place, `cft${process.pid}${place}`]))
  const nameOf = (place: Place) => names.get(place) ?? ''
  const agents = new Map<Place, Agent>()
  const runner = (place: Place = 'host'): Runner => within(outer, nameOf(place))
  const ip = (place: Place, ...args: string[]) => runner(place).run({ file: 'ip', args, timeoutMs: 10_000 })
  const bench: Bench = {
    runner,
    ip,
    ask: ((place: Place, name: keyof Actions, argument?: unknown) =>
      agents.get(place)?.ask(name, argument)) as Bench['ask'],
    async [Symbol.asyncDispose]() {
      await Promise.all([...agents.values()].map((agent) => agent.close()))
      for (const name of names.values()) await outer.outcome(ipCommand('netns', 'delete', name))
    },
  }
  try {
    for (const name of names.values()) await outer.run(ipCommand('netns', 'add', name))
    for (const place of places) agents.set(place, startAgent(nameOf(place), place))
    await wire(bench, nameOf)
    return bench
  } catch (thrown) {
    await bench[Symbol.asyncDispose]()
    throw thrown
  }
}

async function wire({ ip, ask }: Bench, nameOf: (place: Place) => string): Promise<void> {
  for (const place of places) await ip(place, 'link', 'set', 'lo', 'up')
  const ends = { one: 'croft1', two: 'croft2', outside: 'up0', beyond: 'far0' } as const
  for (const [place, end] of Object.entries(ends) as [keyof typeof ends, string][]) {
    await ip('host', 'link', 'add', end, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', nameOf(place))
    await ip('host', 'link', 'set', end, 'up')
    await ip(place, 'link', 'set', 'eth0', 'up')
  }
  const pairs = { up0: at.host, far0: { v4: '198.51.100.1', v6: '2001:db8:2::1' } }
  for (const [link, { v4, v6 }] of Object.entries(pairs)) {
    const place = link === 'up0' ? 'outside' : 'beyond'
    await ip('host', 'address', 'add', `${v4}/24`, 'dev', link)
    await ip('host', 'address', 'add', `${v6}/64`, 'dev', link, 'nodad')
    await ip(place, 'address', 'add', `${at[place].v4}/24`, 'dev', 'eth0')
    await ip(place, 'address', 'add', `${at[place].v6}/64`, 'dev', 'eth0', 'nodad')
    await ip(place, 'route', 'add', 'default', 'via', v4)
    await ip(place, 'route', 'add', 'default', 'via', v6)
  }
  await ask('host', 'prepare')
  for (const place of ['one', 'two'] as const) {
    await ask('host', 'tune', ends[place])
    await ip('host', 'route', 'add', `${at[place].v4}/32`, 'dev', ends[place])
    await ip('host', 'route', 'add', `${at[place].v6}/128`, 'dev', ends[place])
    await ip(place, 'address', 'add', `${at[place].v4}/32`, 'dev', 'eth0')
    await ip(place, 'address', 'add', `${at[place].v6}/128`, 'dev', 'eth0', 'nodad')
    await ip(place, 'route', 'add', '169.254.0.1', 'dev', 'eth0')
    await ip(place, 'route', 'add', 'default', 'via', '169.254.0.1')
    await ip(place, 'route', 'add', 'default', 'via', 'fe80::1', 'dev', 'eth0')
  }
}

function within(runner: Runner, namespace: string): Runner {
  const inside = ({ file, args, ...rest }: Command): Command => ({
    ...rest,
    file: 'nsenter',
    args: [`--net=/run/netns/${namespace}`, '--', file, ...args],
  })
  return {
    outcome: (command, options) => runner.outcome(inside(command), options),
    run: (command, options) => runner.run(inside(command), options),
  }
}

/** Packets of other namespaces than the first are logged only when this says so. */
export async function logEverywhere(): Promise<AsyncDisposable> {
  const file = '/proc/sys/net/netfilter/nf_log_all_netns'
  const before = await readFile(file, 'utf8')
  await writeFile(file, '1')
  return { [Symbol.asyncDispose]: () => writeFile(file, before) }
}

interface Agent {
  ask(name: string, argument: unknown): Promise<unknown>
  close(): Promise<void>
}

function startAgent(namespace: string, place: Place): Agent {
  const script = new URL('firewall-agent.ts', import.meta.url).pathname
  const child: ChildProcess = spawn(
    'nsenter',
    [`--net=/run/netns/${namespace}`, '--', process.execPath, script, place],
    {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    },
  )
  const waiting = new Map<number, PromiseWithResolvers<unknown>>()
  let next = 0
  child.on('message', ({ id, answer, error }: { id: number; answer?: unknown; error?: string }) => {
    if (error === undefined) waiting.get(id)?.resolve(answer)
    else waiting.get(id)?.reject(new Error(error))
    waiting.delete(id)
  })
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  return {
    ask(name, argument) {
      next += 1
      const promise = Promise.withResolvers<unknown>()
      waiting.set(next, promise)
      child.send({ id: next, name, argument })
      return promise.promise
    },
    async close() {
      child.disconnect()
      await gone
    },
  }
}

const ipCommand = (...args: string[]): Command => ({ file: 'ip', args, timeoutMs: 10_000 })
