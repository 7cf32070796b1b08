/** Real etcd members for tests, on loopback, in a folder of their own. */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { openEtcdStore } from '../../src/store/etcd/index.ts'
import type { Opened } from './store.ts'

export interface TestEtcd {
  readonly endpoints: readonly string[]
  /** A store for one test; what it leaves is removed with it. */
  open(options?: Partial<Asked>): Promise<OpenedEtcd>
  readonly members: readonly TestMember[]
  stop(): Promise<void>
}

export interface TestMember {
  readonly endpoint: string
  readonly folder: string
  start(): Promise<void>
  kill(signal: NodeJS.Signals): Promise<void>
  pid(): number
  /** By itself. */
  ended(): boolean
}

export async function startEtcd(count = 1, options: { readonly firstFolder?: string } = {}): Promise<TestEtcd> {
  const folder = await mkdtemp(join(tmpdir(), 'croft-etcd-'))
  const ports = await freePorts(count * 2)
  const names = Array.from({ length: count }, (_, at) => `m${at + 1}`)
  const peer = (at: number): string => `http://127.0.0.1:${ports[count + at]}`
  const initial = names.map((name, at) => `${name}=${peer(at)}`).join(',')
  const folderOf = (at: number): string => (at === 0 && options.firstFolder) || join(folder, `m${at + 1}`)
  const members = names.map((name, at) =>
    createMember(folderOf(at), [
      ...['--name', name, '--data-dir', join(folderOf(at), 'data')],
      ...['--listen-client-urls', `http://127.0.0.1:${ports[at]}`],
      ...['--advertise-client-urls', `http://127.0.0.1:${ports[at]}`],
      ...['--listen-peer-urls', peer(at), '--initial-advertise-peer-urls', peer(at)],
      ...['--initial-cluster', initial, '--initial-cluster-token', folder, '--logger', 'zap', '--log-level', 'error'],
    ]),
  )
  await Promise.all(members.map((member) => member.start()))
  const endpoints = members.map(({ endpoint }) => endpoint)
  return {
    ...{ endpoints, members },
    open: (options = {}) => openTestStore({ endpoints, ...options }),
    async stop() {
      await Promise.all(members.map((member) => member.kill('SIGKILL')))
      await rm(folder, { recursive: true })
    },
  }
}

function createMember(folder: string, args: readonly string[]): TestMember {
  const endpoint = args[args.indexOf('--listen-client-urls') + 1] ?? ''
  let child: ChildProcess | undefined
  return {
    ...{ endpoint, folder },
    async start() {
      child = spawn('etcd', [...args], { stdio: 'ignore' })
      while (!(await answers(endpoint))) {
        if (child.exitCode !== null) throw new Error(`etcd ended with ${child.exitCode}`)
        await sleep(50)
      }
    },
    async kill(signal) {
      if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
      const ended = new Promise((resolve) => child?.once('exit', resolve))
      child.kill(signal)
      await ended
    },
    pid: () => child?.pid ?? 0,
    ended: () => child !== undefined && (child.exitCode !== null || child.signalCode !== null),
  }
}

const answers = (endpoint: string): Promise<boolean> =>
  fetch(`${endpoint}/health`).then(
    async (response) => ((await response.json()) as { health: string }).health === 'true',
    () => false,
  )

export interface Asked {
  readonly endpoints: readonly string[]
  readonly patienceMs?: number
  readonly prefix?: string
}

export interface OpenedEtcd extends Opened {
  readonly prefix: string
}

async function openTestStore(asked: Asked): Promise<OpenedEtcd> {
  const options = { prefix: `t-${randomUUID()}`, ...asked, newId: randomUUID }
  const store = await openEtcdStore(options)
  const stores = [store]
  return {
    store,
    prefix: options.prefix,
    pass: (ms) => sleep(ms),
    async reopen() {
      await stores.at(-1)?.close()
      const again = await openEtcdStore(options)
      stores.push(again)
      return again
    },
    async dispose() {
      for (const each of stores) await each.close()
      await endLeases(asked.endpoints[0] ?? '')
    },
  }
}

/** One that ran out later would change the revision under the next test. */
async function endLeases(endpoint: string): Promise<void> {
  const { leases = [] } = (await ask(endpoint, '/v3/lease/leases', {})) as { leases?: readonly { ID: string }[] }
  for (const { ID } of leases) await ask(endpoint, '/v3/lease/revoke', { ID })
}

export const ask = async (endpoint: string, path: string, body: object): Promise<unknown> =>
  (await fetch(`${endpoint}${path}`, { method: 'POST', body: JSON.stringify(body) })).json()

export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'))
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve) =>
          server.once('listening', () => resolve((server.address() as { port: number }).port)),
        ),
    ),
  )
  for (const server of servers) await new Promise((resolve) => server.close(resolve))
  return ports
}
