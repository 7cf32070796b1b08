/** Everything that the checks of one route ask, side by side. */

import os from 'node:os'
import { forbidding } from '../../drivers/web/far.ts'
import type { CheckFacts, CheckSubject, EdgeFacts } from '../../plan/check/facts.ts'
import { knock } from '../edge/knock.ts'
import type { Env } from '../env.ts'
import { type AskNames, askNames } from './names.ts'
import { type Asking, type Door, follow, shake, touch, visit } from './reach.ts'

/** Of the edge, as it is set now. */
export interface EdgePlace {
  /** `ADDRESS:PORT`, `[ADDRESS]:PORT` or `:PORT`. */
  readonly http: readonly string[]
  readonly https: readonly string[]
  /** Named by the farm; absent: the host's own. */
  readonly addresses?: readonly string[] | undefined
  /** Of all hosts that serve, where the others of the farm reach them. */
  readonly hosts?: readonly string[]
  /** Ranges of the farm itself: nobody outside reaches them. */
  readonly inner?: readonly string[]
  readonly resolvers: readonly string[]
  /** SHA-256 of the farm's CA. */
  readonly farmCa: string | null
}

export interface GatherParts {
  readonly env: Env
  readonly askNames?: AskNames
  /** The host's own addresses, as the kernel tells them. */
  readonly ownAddresses?: () => readonly string[]
}

const mostNames = 20

export async function gather(parts: GatherParts, subject: CheckSubject, place: EdgePlace): Promise<CheckFacts> {
  const { env } = parts
  const edge = edgeFacts(place, parts.ownAddresses ?? readOwnAddresses)
  const asking: Asking = { env, http: doorOf(place.http[0]), https: doorOf(place.https[0]), farmCa: place.farmCa }
  const base = { now: env.now(), edge, unseen: 0, dns: [], aliases: [], tls: [] }
  if (subject.kind === 'tcp') {
    const door = doorOf(subject.name)
    const tcp = door ? await touch(asking, door) : { failure: 'it has no port' }
    return { ...base, tcp, ...(await listensOf(env, subject)) }
  }
  const hosts = subject.hosts.map(withLabel)
  const [first = ''] = hosts
  const names = [...hosts, ...subject.aliases].slice(0, mostNames)
  const aliases = subject.aliases.filter((alias) => names.includes(alias))
  const { path, https } = subject
  const own = new Set([...hosts, ...aliases])
  const lead = (host: string, to: string) => follow(asking, { secure: asking.http === undefined, host, path: to }, own)
  const [dns, redirect, led, tls, http, listens] = await Promise.all([
    (parts.askNames ?? askNames)(names, place.resolvers),
    https === 'only' && asking.http ? follow(asking, { secure: false, host: first, path }, new Set()) : undefined,
    Promise.all(aliases.map((alias) => lead(alias, '/'))),
    https === 'off' ? [] : Promise.all(names.map((name) => shake(asking, name))),
    visit(asking, { secure: https !== 'off', host: first, path }),
    listensOf(env, subject),
  ])
  return {
    ...{ ...base, ...listens, dns, tls, http, aliases: led, ...(redirect ? { redirect } : {}) },
    unseen: hosts.length + subject.aliases.length - names.length,
  }
}

async function listensOf(env: Env, { target }: CheckSubject): Promise<Pick<CheckFacts, 'listens'>> {
  return target?.state === 'running' ? { listens: (await knock(env, target)) === 'open' } : {}
}

/** A name that `*.example.org` stands for. */
const withLabel = (host: string): string => host.replace(/^\*\./, 'croft-check.')

/** Where a listener is reached from its own host. */
export function doorOf(listen: string | undefined): Door | undefined {
  const match = /^(?:\[([0-9a-fA-F:]+)\]|([0-9.]*)):(\d{1,5})$/.exec(listen ?? '')
  if (!match) return undefined
  const [, v6, v4, port] = match
  const address = v6 ?? (v4 || '0.0.0.0')
  const loopback = address === '0.0.0.0' ? '127.0.0.1' : address === '::' ? '::1' : address
  return { address: loopback, port: Number(port) }
}

function edgeFacts({ addresses: named, hosts = [], inner = [] }: EdgePlace, own: () => readonly string[]): EdgeFacts {
  if (named && named.length > 0) return { addresses: named, certain: { 4: true, 6: true } }
  // Nobody outside reaches an address that is unique to this site, and a name must not lead there.
  const isInner = forbidding(inner)
  const addresses = [...new Set([...own(), ...hosts])].filter((each) => !/^f[cd]/i.test(each) && !isInner(each))
  const [v6, v4] = [addresses.filter((each) => each.includes(':')), addresses.filter((each) => !each.includes(':'))]
  const hasPublic = (list: readonly string[]) => list.some((address) => !isPrivate(address))
  return { addresses, certain: { 4: hasPublic(v4), 6: v6.length === 0 || hasPublic(v6) } }
}

function readOwnAddresses(): string[] {
  const found = Object.entries(os.networkInterfaces()).flatMap(([link, list]) =>
    link.startsWith('croft') ? [] : (list ?? []),
  )
  const ours = found.filter(({ internal, address }) => !internal && !/^(fe80:|169\.254\.)/i.test(address))
  return [...new Set(ours.map(({ address }) => address))]
}

const isPrivate = (address: string): boolean =>
  /^(10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.|f[cd])/i.test(address)
