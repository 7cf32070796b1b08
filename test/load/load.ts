/**
 * Visitors: so many connections, each asks, reads the answer to its end, and asks again. Runs in a process of its own, in the
 * namespace it is started in, until stdin ends; then it prints what it counted.
 *
 *     node load.ts '{"address":"198.51.100.1","port":443,"hosts":["shop.example.org"],"connections":8}'
 */
import { Agent, type RequestOptions, request } from 'node:https'
import { setTimeout as sleep } from 'node:timers/promises'

export interface LoadOrder {
  readonly address: string
  readonly port: number
  /** Asked for in turn. */
  readonly hosts: readonly string[]
  readonly path?: string
  readonly connections: number
  /** Between the answer and the next request. */
  readonly pauseMs?: number
  readonly timeoutMs?: number
}

export interface LoadReport {
  readonly requests: number
  readonly statuses: Readonly<Record<string, number>>
  /** Requests without a whole answer, by reason. */
  readonly failures: Readonly<Record<string, number>>
  /** Sent again, as browsers do: a kept connection was closed before it had carried a byte of the answer. */
  readonly resent: number
  readonly slowestMs: number
  /** The longest time in which nothing was answered well. */
  readonly gapMs: number
}

const mostMs = 120_000

export async function load(order: LoadOrder, ended: AbortSignal): Promise<LoadReport> {
  const agent = new Agent({ keepAlive: true, maxSockets: order.connections, rejectUnauthorized: false })
  const statuses: Record<string, number> = {}
  const failures: Record<string, number> = {}
  const count = (into: Record<string, number>, key: string) => {
    into[key] = (into[key] ?? 0) + 1
  }
  let [requests, resent, slowestMs, gapMs] = [0, 0, 0, 0]
  let goodAt = performance.now()
  const untilGood = () => {
    gapMs = Math.max(gapMs, performance.now() - goodAt)
  }

  async function visitor(number: number): Promise<void> {
    for (let turn = number; !ended.aborted; turn++) {
      const host = order.hosts[turn % order.hosts.length] ?? ''
      const started = performance.now()
      requests += 1
      try {
        const { status, again } = await askTwice({ agent, host, order })
        if (again) resent += 1
        count(statuses, String(status))
        if (status < 400) {
          untilGood()
          goodAt = performance.now()
        }
      } catch (thrown) {
        const { code, message } = thrown as NodeJS.ErrnoException
        count(failures, code ?? message)
      }
      slowestMs = Math.max(slowestMs, performance.now() - started)
      if (order.pauseMs) await sleep(order.pauseMs)
    }
  }

  await Promise.all(Array.from({ length: order.connections }, (_, number) => visitor(number)))
  untilGood()
  agent.destroy()
  return { requests, statuses, failures, resent, slowestMs: Math.round(slowestMs), gapMs: Math.round(gapMs) }
}

interface Visit {
  readonly agent: Agent
  readonly host: string
  readonly order: LoadOrder
}

/** On a connection that was kept and closed meanwhile, a GET is sent once more on a new one. */
async function askTwice(visit: Visit): Promise<{ status: number; again: boolean }> {
  const first = await ask(visit, {})
  if (first !== 'closed') return { status: first, again: false }
  const second = await ask(visit, { agent: false })
  if (second === 'closed') throw new Error('closed at once')
  return { status: second, again: true }
}

function ask({ agent, host, order }: Visit, more: RequestOptions): Promise<number | 'closed'> {
  const { address, port, path = '/', timeoutMs = 30_000 } = order
  return new Promise((resolve, reject) => {
    const sent = request({
      ...{ agent, host: address, port, path, servername: host, headers: { host }, rejectUnauthorized: false },
      ...more,
    })
    sent.setTimeout(timeoutMs, () => sent.destroy(new Error('timeout')))
    sent.once('error', (error: NodeJS.ErrnoException) => {
      if (sent.reusedSocket && (error.code === 'ECONNRESET' || error.code === 'EPIPE')) resolve('closed')
      else reject(new Error(`${sent.reusedSocket ? 'kept' : 'new'} connection: ${error.code ?? error.message}`))
    })
    sent.once('response', (response) => {
      response.once('error', () => reject(new Error(`the answer ends in its middle: ${response.statusCode}`)))
      response.once('end', () => resolve(response.statusCode ?? 0))
      response.resume()
    })
    sent.end()
  })
}

if (import.meta.main) {
  const ended = new AbortController()
  const end = () => ended.abort()
  process.stdin.once('end', end).resume()
  setTimeout(end, mostMs).unref()
  const report = await load(JSON.parse(process.argv[2] ?? '{}') as LoadOrder, ended.signal)
  process.stdout.write(`${JSON.stringify(report)}\n`)
  process.exit(0)
}
