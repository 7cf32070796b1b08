import type { AccessPage, RouteRequest } from '../../../api/edge.ts'
import { type Answer, silent } from '../../answer.ts'
import { type Context, numberFlag } from '../../context.ts'
import { bytesText } from '../../screen/cells.ts'
import { oneLine } from '../../screen/escape.ts'

const lookEveryMs = 1000
const usualTail = 200

export async function run(context: Context): Promise<Answer> {
  const { client, flags, io } = context
  const params = { route: context.args.one('ROUTE') }
  const tail = numberFlag(context, 'tail') ?? usualTail
  const show = ({ lines }: AccessPage) => io.stdout.write(lines.map((line) => `${lineOf(context, line)}\n`).join(''))
  let page = await client.request('readRouteLog', { params, query: { tail } })
  show(page)
  if (!flags.has('follow')) return silent()
  const controller = new AbortController()
  using _ = io.onInterrupt(() => controller.abort())
  while (!controller.signal.aborted) {
    await io.sleep(lookEveryMs, controller.signal)
    page = await client.request('readRouteLog', { params, query: { after: page.next } })
    show(page)
  }
  return silent()
}

/** `2026-11-21T17:00:00.000Z 198.51.100.2 GET shop.example.org/cart 200 4.1 KB 12 ms` */
function lineOf(context: Context, line: RouteRequest): string {
  if (context.forMachines) return JSON.stringify(line)
  const { at, client, method, host, path, status, bytesOut, tookMs, waitedMs } = line
  const waited = waitedMs > 0 ? ` (${waitedMs} ms in the queue)` : ''
  const where = host === undefined ? path : `${host}${path}`
  return oneLine(`${at} ${client} ${method} ${where} ${status || '–'} ${bytesText(bytesOut)} ${tookMs} ms${waited}`)
}
