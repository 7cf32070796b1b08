/** What `ip -j` says, as the lines that would make it: pure. */
import { z } from 'zod'
import { lastMetric, ownProtocol } from './wanted.ts'

const json = (text: string): unknown => (text.trim() === '' ? [] : JSON.parse(text))

const Links = z.array(
  z.object({
    ifname: z.string(),
    ifalias: z.string().optional(),
    mtu: z.number(),
    flags: z.array(z.string()).default([]),
  }),
)
export interface FoundLink {
  readonly device: string
  readonly alias: string | undefined
  readonly mtu: number
  readonly up: boolean
}
export const parseLinks = (text: string): FoundLink[] =>
  Links.parse(json(text)).map(({ ifname, ifalias, mtu, flags }) => ({
    ...{ device: ifname, alias: ifalias, mtu, up: flags.includes('UP') },
  }))

const Rules = z.array(
  z.object({
    priority: z.number(),
    src: z.string().optional(),
    srclen: z.number().optional(),
    dst: z.string().optional(),
    dstlen: z.number().optional(),
    iif: z.string().optional(),
    table: z.string().optional(),
    suppress_prefixlen: z.number().optional(),
    protocol: z.union([z.string(), z.number()]).optional(),
  }),
)
export const parseRules = (text: string): string[] =>
  Rules.parse(json(text)).flatMap((rule) => {
    if (String(rule.protocol) !== ownProtocol) return []
    const range = (address = 'all', length?: number) => (length === undefined ? address : `${address}/${length}`)
    const to = rule.dst === undefined ? [] : ['to', range(rule.dst, rule.dstlen)]
    const iif = rule.iif === undefined ? [] : ['iif', rule.iif]
    const less = rule.suppress_prefixlen === undefined ? [] : ['suppress_prefixlength', rule.suppress_prefixlen]
    const from = ['from', range(rule.src, rule.srclen)]
    return [['priority', rule.priority, ...from, ...to, ...iif, 'lookup', rule.table, ...less].join(' ')]
  })

const Routes = z.array(
  z.object({
    type: z.string().optional(),
    dst: z.string(),
    gateway: z.string().optional(),
    dev: z.string().optional(),
    table: z.union([z.string(), z.number()]).optional(),
  }),
)
export const parseRoutes = (text: string): string[] =>
  Routes.parse(json(text)).map(({ type, dst, gateway, dev, table }) => {
    if (type === 'unreachable') return `unreachable ${dst} table ${table} metric ${lastMetric}`
    return `${dst}${gateway === undefined ? '' : ` via ${gateway}`} dev ${dev} table ${table}`
  })

const Neighbours = z.array(
  z.object({
    dst: z.string(),
    dev: z.string().optional(),
    state: z.array(z.string()).optional(),
    protocol: z.union([z.string(), z.number()]).optional(),
  }),
)
export const parseProxies = (text: string): string[] =>
  Neighbours.parse(json(text)).flatMap(({ dst, dev, protocol }) =>
    String(protocol) === ownProtocol ? [`${dst} dev ${dev}`] : [],
  )

/** What the kernel said against a device of a kind: is it the kind? */
export const isUnknownKind = (stderr: string): boolean => /unknown device type/i.test(stderr)

/** `undefined` while it is still being asked. */
export function parseAnswer(text: string): boolean | undefined {
  const states = Neighbours.parse(json(text)).flatMap(({ state }) => state ?? [])
  if (states.some((state) => ['REACHABLE', 'STALE', 'DELAY', 'PROBE', 'PERMANENT'].includes(state))) return true
  return states.includes('INCOMPLETE') ? undefined : false
}
