/** What HAProxy's socket answers. Pure. */
import type { Answering, SiteCounters } from '../driver.ts'
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

/** `show servers state` */
export const parseServers = (text: string): PresentServer[] =>
  stateRows(text).map((cell) => ({
    backend: cell('be_name'),
    name: cell('srv_name'),
    address: cell('srv_addr'),
    port: Number(cell('srv_port')),
    maintenance: isInMaintenance(cell),
  }))

/** The same: of servers that were asked at least once. */
export function parseAnswering(text: string): Map<string, Answering> {
  const found = new Map<string, Answering>()
  for (const cell of stateRows(text)) {
    const [, id] = /^[bt]_([a-z0-9]{1,40})$/.exec(cell('be_name')) ?? []
    const isUnasked = cell('srv_check_result') === '0'
    if (id === undefined || !cell('srv_name').startsWith('s_') || isInMaintenance(cell) || isUnasked) continue
    const [answers, seconds] = [cell('srv_op_state') !== '0', Number(cell('srv_time_since_last_change'))]
    const known = found.get(id)
    if (!known || (answers && !known.answers)) found.set(id, { answers, seconds })
    else if (answers === known.answers) found.set(id, { answers, seconds: Math.min(seconds, known.seconds) })
  }
  return found
}

type Cell = (column: string) => string

/** The bits of maintenance: forced, inherited, by configuration. */
const isInMaintenance = (cell: Cell): boolean => (Number(cell('srv_admin_state')) & 0b111) !== 0

/** Columns by name, as the first comment tells them. */
function stateRows(text: string): Cell[] {
  const rows = text.split('\n').filter((line) => line.includes(' '))
  const columns =
    rows
      .find((line) => line.startsWith('# be_id'))
      ?.slice(2)
      .split(' ') ?? []
  const at = new Map(columns.map((name, index) => [name, index]))
  return rows
    .filter((line) => !line.startsWith('#'))
    .map((line) => line.split(' '))
    .filter((cells) => cells.length === columns.length)
    .map((cells) => (name) => cells[at.get(name) ?? -1] ?? '')
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
