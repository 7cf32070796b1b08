import type { Answer } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { pressureText } from '../../screen/pressure.ts'
import { hostName } from './which.ts'

export async function run(context: Context): Promise<Answer> {
  const host = await context.client.request('getHost', { params: { host: await hostName(context) } })
  return {
    kind: 'record',
    record: host,
    name: host.name,
    fields: [
      { title: 'name', value: host.name },
      { title: 'number', value: host.number },
      { title: 'guests', value: `${host.guests.running} running of ${host.guests.total}` },
      { title: 'cpus', value: host.cpus },
      { title: 'load', value: host.load.join(' ') },
      { title: 'memory', value: host.memory.totalBytes, as: 'bytes' },
      { title: 'free', value: host.memory.freeBytes, as: 'bytes' },
      { title: 'waits', value: host.pressure && pressureText(host.pressure) },
      { title: 'up', value: host.uptimeSeconds, as: 'seconds' },
      { title: 'uid base', value: host.uidBase },
      { title: 'version', value: host.version },
    ],
  }
}
