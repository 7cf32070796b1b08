/** What HAProxy's socket answers. Pure. */
import type { SiteCounters } from '../driver.ts'
import type { PresentServer } from './words.ts'

export interface Processes {
  readonly master: number
  readonly workers: readonly number[]
  readonly old: readonly number[]
}

/** `show proc` of the master. */
export function parseProcesses(text: string): Processes | undefined {
  let section: 'workers' | 'old' = 'workers'
  const found = { master: 0, workers: [] as number[], old: [] as number[] }
  for (const line of text.split('\n')) {
    if (line.startsWith('# old workers')) section = 'old'
    const [, pid, type] = /^(\d+)\s+(master|worker)\s/.exec(line) ?? []
    if (type === 'master') found.master = Number(pid)
    if (type === 'worker') found[section].push(Number(pid))
  }
  return found.master === 0 ? undefined : found
}

/** `get map FILE mark`: undefined when the process has none. */
export const parseMark = (text: string): string | undefined => /\bval(?:ue)?="([0-9a-f]{32})"/.exec(text)?.[1]

/** `show servers state`: columns by name, as the first comment tells them. */
export function parseServers(text: string): PresentServer[] {
  const rows = text.split('\n').filter((line) => line.includes(' '))
  const columns =
    rows
      .find((line) => line.startsWith('# be_id'))
      ?.slice(2)
      .split(' ') ?? []
  const at = (name: string) => columns.indexOf(name)
  const [backend, name, address, admin, port] = ['be_name', 'srv_name', 'srv_addr', 'srv_admin_state', 'srv_port'].map(
    at,
  )
  return rows
    .filter((line) => !line.startsWith('#'))
    .map((line) => line.split(' '))
    .filter((cells) => cells.length === columns.length)
    .map((cells) => ({
      backend: cells[backend ?? -1] ?? '',
      name: cells[name ?? -1] ?? '',
      address: cells[address ?? -1] ?? '',
      port: Number(cells[port ?? -1]),
      // The bits of maintenance: forced, inherited, by configuration.
      maintenance: (Number(cells[admin ?? -1]) & 0b111) !== 0,
    }))
}

/** `show servers conn`: what is in use of a server, at sites alone: what a stream has open may stay so for ever. */
export function parseOpen(text: string, server: string): number {
  const lines = text.split('\n').map((line) => line.split(' '))
  const column = lines[0]?.slice(1).indexOf('used_cur') ?? -1
  const own = lines.filter(([name = '']) => /^b_[a-z0-9]{1,40}\/s_/.test(name) && name.endsWith(`/s_${server}`))
  return own.reduce((sum, cells) => sum + (Number(cells[column]) || 0), 0)
}

/** `show stat`, by the site's or stream's id. */
export function parseCounters(text: string): Map<string, SiteCounters> {
  const lines = text.split('\n').filter((line) => line !== '')
  const columns = lines[0]?.replace(/^# /, '').split(',') ?? []
  const index = new Map(columns.map((name, at) => [name, at]))
  const found = new Map<string, SiteCounters>()
  const servers = new Map<string, { all: number; up: number }>()
  for (const line of lines.slice(1)) {
    const cells = line.split(',')
    const cell = (name: string) => cells[index.get(name) ?? -1] ?? ''
    const [, id] = /^[bt]_([a-z0-9]{1,40})$/.exec(cell('pxname')) ?? []
    if (id === undefined) continue
    if (/^(s_|u$)/.test(cell('svname'))) {
      const count = servers.get(id) ?? { all: 0, up: 0 }
      const up = /^(UP|no check)/.test(cell('status')) ? 1 : 0
      servers.set(id, { all: count.all + 1, up: count.up + up })
    }
    if (cell('svname') === 'BACKEND')
      found.set(
        id,
        countersOf((name) => Number(cell(name)) || 0, servers.get(id)),
      )
  }
  return found
}

const countersOf = (
  number: (column: string) => number,
  servers: { readonly all: number; readonly up: number } = { all: 0, up: 0 },
): SiteCounters => ({
  requests: number('stot'),
  errors5xx: number('hrsp_5xx'),
  errors4xx: number('hrsp_4xx'),
  bytesIn: number('bin'),
  bytesOut: number('bout'),
  open: number('scur'),
  queued: number('qcur'),
  serversUp: servers.up,
  servers: servers.all,
})
