import type { Host, HostRoom } from '../../../api/host.ts'
import type { Answer, Field } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { bytesText as bytes } from '../../screen/cells.ts'
import { pressureText } from '../../screen/pressure.ts'
import { hostName } from './which.ts'

export async function run(context: Context): Promise<Answer> {
  const host = await context.client.request('getHost', { params: { host: await hostName(context) } })
  return { kind: 'record', record: host, name: host.name, fields: fields(host) }
}

function fields(host: Host): Field[] {
  return [
    { title: 'name', value: host.name },
    { title: 'number', value: host.number },
    { title: 'state', value: host.state, as: 'state' },
    ...(host.since === null ? [] : [{ title: 'since', value: host.since, as: 'age' } as const]),
    ...(host.witness ? [{ title: 'witness', value: 'it votes, and runs nothing' }] : []),
    { title: 'tags', value: host.tags.length === 0 ? null : host.tags.join(' ') },
    { title: 'address', value: host.address },
    { title: 'guests', value: `${host.guests.running ?? '–'} running of ${host.guests.total}` },
    { title: 'cpus', value: host.cpus },
    { title: 'load', value: host.load?.join(' ') ?? null },
    { title: 'memory', value: host.memory.totalBytes, as: 'bytes' },
    { title: 'free', value: host.memory.freeBytes, as: 'bytes' },
    { title: 'promised', value: promisedText(host.memory) },
    { title: 'overcommit', value: host.overcommit },
    { title: 'reserve', value: host.reserveBytes, as: 'bytes' },
    ...Object.entries(host.pools).map(([name, room]) => ({ title: `pool ${name}`, value: poolText(room) })),
    { title: 'disk overcommit', value: host.diskOvercommit },
    { title: 'send rate', value: host.sendRate ? `${bytes(host.sendRate)}/s` : null },
    { title: 'waits', value: host.pressure && pressureText(host.pressure) },
    { title: 'up', value: host.uptimeSeconds, as: 'seconds' },
    { title: 'uid base', value: host.uidBase },
    { title: 'version', value: host.version },
  ]
}

const promisedText = ({ promisedBytes, mostBytes }: HostRoom): string =>
  mostBytes === null ? bytes(promisedBytes) : `${bytes(promisedBytes)} of ${bytes(mostBytes)}`

const poolText = (room: HostRoom): string =>
  `${room.freeBytes === null ? '–' : bytes(room.freeBytes)} free of ${room.totalBytes === null ? '–' : bytes(room.totalBytes)}, ${promisedText(room)} promised`
