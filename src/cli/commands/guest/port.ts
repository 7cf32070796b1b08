import type { Port } from '../../../api/guest.ts'
import { type Answer, type Column, rows } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { items } from '../../wire/request.ts'
import { parsePort, parsePortRef, portText } from '../../words/ports.ts'
import { bulk } from '../../work/bulk.ts'
import { changeResult, wrongUse } from '../../work/change.ts'
import { guestOrAll } from '../../work/targets.ts'

const columns: readonly Column<Port>[] = [
  { title: 'HOSTPORT', as: 'number', get: (port) => port.hostPort },
  { title: 'GUESTPORT', as: 'number', get: (port) => port.guestPort },
  { title: 'PROTOCOL', get: (port) => port.protocol },
  { title: 'ADDRESS', get: (port) => port.address ?? 'any' },
]

export async function run(context: Context): Promise<Answer> {
  const { guest, words } = guestOrAll(context, 'PORT')
  const removes = context.flags.has('rm')
  if (guest === undefined && (removes || words.length > 0)) throw wrongUse('croft port: of which guest?')
  if (guest === undefined) return listAllPorts(context)
  if (words.length === 0 && removes) throw wrongUse('croft port --rm: which port?')
  if (words.length === 0) return listPorts(context, guest)
  const read = words.map((word) => ({ word, body: removes ? parsePortRef(word) : parsePort(word) }))
  return bulk(context, { names: words, many: words.length > 1, atOnce: 1 }, (word, signal) => {
    const body = read.find((each) => each.word === word)?.body
    const route = removes ? 'removePort' : 'addPort'
    return changeResult(context, { route, params: { guest }, body, name: word, signal }, ({ result }) => {
      const text = removes ? `${guest} ${word} closed` : `${guest} ${portText(parsePort(word))} open`
      return { name: word, text, record: result }
    })
  })
}

interface OwnPort extends Port {
  readonly guest: string
}

async function listAllPorts(context: Context): Promise<Answer> {
  const guests = items(await context.client.request('listGuests'))
  const ports = guests.flatMap(({ name, spec }) => spec.ports.map((port): OwnPort => ({ guest: name, ...port })))
  const inOrder = ports.sort((a, b) => a.hostPort - b.hostPort)
  return rows(inOrder, [{ title: 'GUEST', get: (port: OwnPort) => port.guest }, ...columns], {
    name: portText,
    empty: 'no guest publishes a port: croft port web 8080:80',
  })
}

async function listPorts(context: Context, guest: string): Promise<Answer> {
  const { spec } = await context.client.request('getGuest', { params: { guest } })
  return rows(spec.ports, columns, {
    name: portText,
    empty: `${guest} publishes no port: croft port ${guest} 8080:80`,
  })
}
