import type { Host } from '../../../api/resources.ts'
import { type Answer, type Column, rows } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { items } from '../../wire/request.ts'

const columns: readonly Column<Host>[] = [
  { title: 'NAME', get: (host) => host.name },
  { title: 'GUESTS', get: (host) => `${host.guests.running}/${host.guests.total}` },
  { title: 'CPUS', as: 'number', get: (host) => host.cpus },
  { title: 'LOAD', as: 'number', get: (host) => host.load[0] },
  { title: 'FREE', as: 'bytes', get: (host) => host.memory.freeBytes },
  { title: 'MEMORY', as: 'bytes', get: (host) => host.memory.totalBytes },
  { title: 'UP', as: 'seconds', get: (host) => host.uptimeSeconds },
  { title: 'VERSION', get: (host) => host.version },
  { title: 'NUMBER', as: 'number', wide: true, get: (host) => host.number },
]

export async function run(context: Context): Promise<Answer> {
  return rows(items(await context.client.request('listHosts')), columns, { name: (host) => host.name })
}
