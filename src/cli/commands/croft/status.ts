import type { Status } from '../../../api/resources.ts'
import type { Answer } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { stateCell } from '../../screen/cells.ts'
import { oneLine } from '../../screen/escape.ts'
import { pressureText } from '../../screen/pressure.ts'

export async function run(context: Context): Promise<Answer> {
  const status = await context.client.request('getStatus')
  return { kind: 'text', text: statusText(status), record: status }
}

export function statusText({ farm, host, version, store, guests, pressure, attention }: Status): string {
  const counted = Object.entries(guests)
    .filter(([, count]) => count > 0)
    .map(([state, count]) => `${count} ${stateCell(oneLine(state)).text}`)
  const lines = [
    `farm ${farm ? oneLine(farm.name) : '– (croft init)'}   host ${oneLine(host)}   croft ${oneLine(version)}`,
    `store ${oneLine(store.kind)} ${store.ok ? '✓' : '✗ does not answer'}   revision ${store.revision}`,
    `guests ${counted.length === 0 ? 'none' : counted.join('   ')}`,
    ...(pressure ? [`waits  ${pressureText(pressure)}`] : []),
  ]
  if (attention.length === 0) return [...lines, '✓ nothing needs you', ''].join('\n')
  const what = Math.max(...attention.map((each) => each.what.length))
  const told = attention.map(
    (each) => `▲ ${oneLine(each.what).padEnd(what)}  ${oneLine(firstLine(each.why))}  → ${oneLine(each.do)}`,
  )
  return [...lines, '', ...told, ''].join('\n')
}

/** A build's last words are for `croft template show`. */
const firstLine = (text: string): string => text.split('\n', 1)[0] ?? ''
