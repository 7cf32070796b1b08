/** Real etcd members for tests, on loopback, in a folder of their own. */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { issue } from '../../src/daemon/pki/openssl.ts'
import { createRunner } from '../../src/drivers/exec/runner.ts'
import { openEtcdStore, type Tls } from '../../src/store/etcd/index.ts'
import type { Opened } from './store.ts'

export interface TestEtcd {
  /** As stores reach it: over TLS. */
  readonly endpoints: readonly string[]
  /** A store for one test; what it leaves is removed with it. */
  open(options?: Partial<Asked>): Promise<OpenedEtcd>
  readonly members: readonly TestMember[]
  stop(): Promise<void>
}

export interface TestMember {
  /** Without TLS, for what a test asks itself. */
  readonly plain: string
  readonly folder: string
  start(): Promise<void>
  kill(signal: NodeJS.Signals): Promise<void>
  pid(): number
  /** By itself. */
  ended(): boolean
}

export async function startEtcd(count = 1, options: { readonly firstFolder?: string } = {}): Promise<TestEtcd> {
  const folder = await mkdtemp(join(tmpdir(), 'croft-etcd-'))
  const tls = await certificateIn(folder)
  const ports = await freePorts(count * 3)
  const names = Array.from({ length: count }, (_, at) => `m${at + 1}`)
  const peer = (at: number): string => `http://127.0.0.1:${ports[count + at]}`
  const plain = (at: number): string => `http://127.0.0.1:${ports[2 * count + at]}`
  const endpoints = names.map((_, at) => `https://127.0.0.1:${ports[at]}`)
  const initial = names.map((name, at) => `${name}=${peer(at)}`).join(',')
  const folderOf = (at: number): string => (at === 0 && options.firstFolder) || join(folder, `m${at + 1}`)
  const shown = [...['--cert-file', join(folder, 'cert')], ...['--key-file', join(folder, 'key')]]
  const members = names.map((name, at) =>
    createMember({ plain: plain(at), folder: folderOf(at) }, [
      ...['--name', name, '--data-dir', join(folderOf(at), 'data'), ...shown],
      ...['--listen-client-urls', `${endpoints[at]},${plain(at)}`],
      ...['--advertise-client-urls', `${endpoints[at]}`],
      ...['--listen-peer-urls', peer(at), '--initial-advertise-peer-urls', peer(at)],
      ...['--initial-cluster', initial, '--initial-cluster-token', folder, '--logger', 'zap', '--log-level', 'error'],
    ]),
  )
  await Promise.all(members.map((member) => member.start()))
  return {
    ...{ endpoints, members },
    open: (options = {}) => openTestStore({ endpoints, ...options }, { tls, plain: plain(0) }),
    async stop() {
      await Promise.all(members.map((member) => member.kill('SIGKILL')))
      await rm(folder, { recursive: true })
    },
  }
}

async function certificateIn(folder: string): Promise<Tls> {
  const valid = { from: Date.now() - 60_000, until: Date.now() + 86_400_000 }
  const wanted = { kind: 'host', subject: 'm', names: ['127.0.0.1'], ...valid } as const
  const { key, certificate } = await issue(createRunner(), join(folder, 'work'), wanted)
  await Promise.all([writeFile(join(folder, 'cert'), certificate), writeFile(join(folder, 'key'), key)])
  return { ca: certificate, cert: certificate, key }
}

function createMember(place: Pick<TestMember, 'plain' | 'folder'>, args: readonly string[]): TestMember {
  let child: ChildProcess | undefined
  return {
    ...place,
    async start() {
      child = spawn('etcd', [...args], { stdio: 'ignore' })
      while (!(await answers(place.plain))) {
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

async function openTestStore(
  asked: Asked,
  { tls, plain }: { readonly tls: Tls; readonly plain: string },
): Promise<OpenedEtcd> {
  const options = { prefix: `t-${randomUUID()}`, ...asked, newId: randomUUID, tls }
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
      await endLeases(plain)
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
