/** The checks themselves. What answers is a stranger's program: nothing of its answer is kept but the status. */
import { request } from 'node:http'
import { connect } from 'node:net'
import { wordsOf } from '../../plan/config/command.ts'
import { environmentFile } from '../../plan/units/input.ts'
import type { Inside } from '../host/inside.ts'
import type { Asked, AskHealth } from './health.ts'

export function createAskHealth(inside: Inside): AskHealth {
  const kinds = {
    http: askHttp,
    tcp: askTcp,
    exec: (asked: Asked) => askExec(inside, asked),
    none: async () => undefined,
  }
  return (asked) => kinds[asked.daemon.health.kind](asked)
}

const mostHeader = 16 * 1024

/** Not followed when it leads elsewhere: 3xx is an answer. */
function askHttp({ address, host, daemon, signal }: Asked): Promise<string | undefined> {
  const { path, timeoutSeconds } = daemon.health
  const what = `GET ${path || '/'}`
  return new Promise((resolve) => {
    const end = (why?: string) => {
      clearTimeout(timer)
      asked.destroy()
      resolve(why)
    }
    const asked = request({
      ...{ host: address, port: daemon.port, path: path || '/', method: 'GET', agent: false, signal },
      ...{ maxHeaderSize: mostHeader, headers: { host, 'user-agent': 'croft', connection: 'close' } },
    })
    const timer = setTimeout(() => end(`${what} did not answer in ${timeoutSeconds} s`), timeoutSeconds * 1000)
    asked.once('response', ({ statusCode = 0 }) =>
      end(statusCode >= 200 && statusCode < 400 ? undefined : `${what} answered ${statusCode}`),
    )
    asked.on('error', (error: NodeJS.ErrnoException) => end(`${what}: ${wordFor(error)}`))
    asked.end()
  })
}

function askTcp({ address, daemon, signal }: Asked): Promise<string | undefined> {
  const { timeoutSeconds } = daemon.health
  return new Promise((resolve) => {
    const end = (why?: string) => {
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
      socket.destroy()
      resolve(why)
    }
    const onAbort = () => end('it is asked no more')
    const socket = connect({ host: address, port: daemon.port ?? 0 })
    const what = `port ${daemon.port}`
    const timer = setTimeout(() => end(`${what} did not answer in ${timeoutSeconds} s`), timeoutSeconds * 1000)
    signal.addEventListener('abort', onAbort, { once: true })
    socket.once('connect', () => end())
    socket.on('error', (error: NodeJS.ErrnoException) => end(`${what}: ${wordFor(error)}`))
  })
}

/** As the daemon's user, where it runs, with what it knows: a unit of the moment, of the instance's own service manager. */
async function askExec(inside: Inside, { number, daemon, signal }: Asked): Promise<string | undefined> {
  const { health, user, folder } = daemon
  const of = [`User=${user}`, `WorkingDirectory=${folder}`, `EnvironmentFile=${environmentFile}`, 'NoNewPrivileges=yes']
  const properties = [...of, `RuntimeMaxSec=${health.timeoutSeconds}`].flatMap((each) => ['-p', each])
  const words = [
    'systemd-run',
    '--quiet',
    '--wait',
    '--pipe',
    '--collect',
    ...properties,
    '--',
    ...wordsOf(health.command),
  ]
  const timeoutMs = (health.timeoutSeconds + 5) * 1000
  try {
    const { code, lines } = await inside.run(number, words, { signal, timeoutMs, maxBytes: 64 * 1024 })
    if (code === 0) return undefined
    return `${health.command.slice(0, 80)} ended with ${code}${lines.length > 0 ? `: ${lines.at(-1)?.slice(0, 200)}` : ''}`
  } catch (thrown) {
    return `${health.command.slice(0, 80)}: ${thrown instanceof Error ? thrown.message : thrown}`
  }
}

const words: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ECONNRESET: 'the connection was closed without an answer',
  EHOSTUNREACH: 'it cannot be reached',
  ENETUNREACH: 'it cannot be reached',
  ETIMEDOUT: 'it cannot be reached',
}
const wordFor = ({ code = '', message }: NodeJS.ErrnoException): string => words[code] ?? message.slice(0, 200)
