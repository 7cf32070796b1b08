import type { Host } from '../../../api/host.ts'
import { type Answer, type Column, rows } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { items } from '../../wire/request.ts'
import { poolSum } from './room.ts'

const columns: readonly Column<Host>[] = [
  { title: 'NAME', get: (host) => host.name },
  { title: 'STATE', as: 'state', get: (host) => host.state },
  { title: 'GUESTS', get: (host) => `${host.guests.running ?? '–'}/${host.guests.total}` },
  { title: 'CPUS', as: 'number', get: (host) => host.cpus },
  { title: 'LOAD', as: 'number', get: (host) => host.load?.[0] ?? null },
  { title: 'FREE', as: 'bytes', get: (host) => host.memory.freeBytes },
  { title: 'PROMISED', as: 'bytes', get: (host) => host.memory.promisedBytes },
  { title: 'MEMORY', as: 'bytes', get: (host) => host.memory.totalBytes },
  { title: 'DISK FREE', as: 'bytes', get: (host) => poolSum(host, 'freeBytes') },
  { title: 'UP', as: 'seconds', get: (host) => host.uptimeSeconds },
  { title: 'VERSION', get: (host) => host.version },
  { title: 'TAGS', get: (host) => host.tags.join(',') },
  { title: 'AWAY', as: 'age', wide: true, get: (host) => host.since },
  { title: 'DISK', as: 'bytes', wide: true, get: (host) => poolSum(host, 'totalBytes') },
  { title: 'ADDRESS', wide: true, get: (host) => host.address },
  { title: 'NUMBER', as: 'number', wide: true, get: (host) => host.number },
]

/** Load and free memory are others at each look: no news. */
const news = ({ state, guests, memory, version, tags }: Host): string =>
  JSON.stringify([state, guests, memory.promisedBytes, version, tags])

export async function run(context: Context): Promise<Answer> {
  return rows(items(await context.client.request('listHosts')), columns, { name: (host) => host.name, news })
}
