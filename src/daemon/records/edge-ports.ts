/** Ports of the host that the edge hears: no guest can publish one, and no route can take a published one. */
import type { EdgeSettings } from '../../api/edge.ts'
import { CroftError } from '../../api/errors.ts'
import { parseListen } from '../../api/values.ts'
import { parseRoute } from '../../plan/domains.ts'
import { listensOf } from '../../plan/edge.ts'
import type { Compare, Store, Write } from '../../store/store.ts'
import { type Daemon, getFarm } from '../daemon.ts'
import { keys } from './keys.ts'
import { type FarmRecord, type GuestRecord, type Held, type RouteRecord, read, readAll } from './records.ts'

/** Who has a port: a guest that publishes it, the edge for all its sites, or one route of TCP. */
export type PortRecord = { readonly number: number } | { readonly edge: true } | { readonly route: string }

interface Moved {
  readonly compare: Compare[]
  readonly writes: Write[]
}

/** For a route that comes. The record is written anew each time, so that a last one that goes meanwhile finds out. */
export async function takePorts(daemon: Daemon, name: string, farm: FarmRecord): Promise<Moved> {
  const route = parseRoute(name)
  if (route.kind === 'http') return takeAll(daemon, webPorts(farm.edge), { edge: true })
  const taken = await takeAll(daemon, [route.port], { route: name })
  // The edge is one process: a port that it cannot have would hold up every other route.
  await assertFree(daemon, route.port)
  return taken
}

async function assertFree(daemon: Daemon, port: number): Promise<void> {
  if (!(await getFarm(daemon).parts.network.listens('tcp', port))) return
  throw new CroftError('EXISTS', `port tcp/${port} of the host is used by a program of the host`, {
    hint: `ss -lntp 'sport = ${port}'`,
  })
}

/** For a route that goes: the last one of the web gives the edge's ports back. */
export async function leavePorts(daemon: Daemon, name: string, farm: FarmRecord): Promise<Moved> {
  const route = parseRoute(name)
  if (route.kind === 'tcp') return leaveAll(daemon, [route.port])
  return (await hasWebRoutes(daemon, name)) ? { compare: [], writes: [] } : leaveAll(daemon, webPorts(farm.edge))
}

/** When the edge is to listen elsewhere. */
export async function movePorts(daemon: Daemon, before: EdgeSettings = {}, after: EdgeSettings = {}): Promise<Moved> {
  if (!(await hasWebRoutes(daemon))) return { compare: [], writes: [] }
  const [had, has] = [webPorts(before), webPorts(after)]
  for (const port of has) if (!had.includes(port)) await assertFree(daemon, port)
  const taken = await takeAll(daemon, has, { edge: true })
  const left = await leaveAll(
    daemon,
    had.filter((port) => !has.includes(port)),
  )
  return { compare: [...taken.compare, ...left.compare], writes: [...taken.writes, ...left.writes] }
}

export function webPorts(settings: EdgeSettings = {}): number[] {
  const { http, https } = listensOf(settings)
  return [...new Set([...http, ...https].flatMap((text) => parseListen(text)?.port ?? []))]
}

/** Where this host's edge listens for TCP, by what is reserved for it. */
export async function listEdgePorts(store: Store, host: string): Promise<number[]> {
  const records = await readAll<PortRecord>(store, keys.ports(host))
  return records.filter(({ value }) => isEdges(value)).map(({ key }) => Number(key.split('/').at(-1)))
}
export const isEdges = (record: PortRecord): boolean => !('number' in record)

async function hasWebRoutes(daemon: Daemon, except?: string): Promise<boolean> {
  const routes = await readAll<RouteRecord>(daemon.store, keys.routes)
  return routes.some(({ value }) => value.name !== except && parseRoute(value.name).kind === 'http')
}

async function takeAll(daemon: Daemon, ports: readonly number[], owner: PortRecord): Promise<Moved> {
  const found = await Promise.all(ports.map((port) => held(daemon, port)))
  for (const [index, record] of found.entries())
    if (record && !('edge' in record.value && 'edge' in owner)) await refuse(daemon, ports[index] ?? 0, record)
  return {
    compare: ports.map((port, index) => ({ key: keyOf(daemon, port), revision: found[index]?.revision ?? 0 })),
    writes: ports.map((port) => ({ put: keyOf(daemon, port), value: owner })),
  }
}

async function leaveAll(daemon: Daemon, ports: readonly number[]): Promise<Moved> {
  const found = (await Promise.all(ports.map((port) => held(daemon, port)))).filter((record) => record !== undefined)
  return {
    compare: found.map(({ key, revision }) => ({ key, revision })),
    writes: found.map(({ key }) => ({ delete: key })),
  }
}

const keyOf = (daemon: Daemon, port: number): string => keys.port(getFarm(daemon).parts.host.name, 'tcp', port)
const held = (daemon: Daemon, port: number): Promise<Held<PortRecord> | undefined> =>
  read<PortRecord>(daemon.store, keyOf(daemon, port))

async function refuse(daemon: Daemon, port: number, { value }: Held<PortRecord>): Promise<never> {
  const what = `port tcp/${port} of the host`
  if ('edge' in value) throw new CroftError('EXISTS', `${what} is the edge's`, { hint: 'croft farm show' })
  if ('route' in value)
    throw new CroftError('EXISTS', `${what} belongs to route "${value.route}"`, { hint: 'croft route ls' })
  const guest = await read<GuestRecord>(daemon.store, keys.guest(getFarm(daemon).parts.host.name, value.number))
  const name = guest?.value.name ?? String(value.number)
  throw new CroftError('EXISTS', `${what} is published by guest "${name}"`, { hint: `croft port ${name} --rm ${port}` })
}
