/** What stands around an edge in tests: servers behind it, certificates, and clients in front of it. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type IncomingHttpHeaders, request, type Server } from 'node:http'
import { request as secureRequest } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { after } from 'node:test'
import type { Edge, EdgeCertificate, EdgeServer, EdgeWish, Site, StreamSite } from '../../src/drivers/edge/driver.ts'
import { createHaproxy } from '../../src/drivers/edge/haproxy/index.ts'
import { createRunner } from '../../src/drivers/exec/runner.ts'

export function selfSigned(name: string, names: readonly string[]): EdgeCertificate {
  const folder = mkdtempSync('/tmp/cfe')
  const [key, certificate] = [join(folder, 'key'), join(folder, 'certificate')]
  const alternative =
    names.length === 0 ? [] : ['-addext', `subjectAltName=${names.map((one) => `DNS:${one}`).join(',')}`]
  const how = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2']
  try {
    execFileSync(
      'openssl',
      ['req', ...how, '-subj', `/CN=${name}`, ...alternative, '-keyout', key, '-out', certificate],
      {
        stdio: 'ignore',
      },
    )
    return { name, names, pem: readFileSync(key, 'utf8') + readFileSync(certificate, 'utf8') }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** In the namespace that the file runs in. Nothing of it is left afterwards. */
export async function openHaproxy(): Promise<{ readonly edge: Edge; readonly folder: string }> {
  const run = createRunner()
  await run.run({ file: 'ip', args: ['link', 'set', 'lo', 'up'], timeoutMs: 10_000 })
  const above = mkdtempSync('/var/tmp/cfe')
  const folder = join(above, 'edge')
  const edge = createHaproxy({ run, folder })
  after(async () => {
    await edge.stop()
    rmSync(above, { recursive: true })
  })
  return { edge, folder }
}

export const farmOf = (
  certificate: EdgeCertificate,
  sites: readonly Site[],
  streams: readonly StreamSite[] = [],
): EdgeWish => ({
  ...{ http: [':80'], https: [':443'], sites, streams },
  ...{ certificates: [certificate], tokens: [], operators: ['192.0.2.0/24'], near: ['203.0.113.0/24'] },
})

/** Answers with its id in `x-by`, and with the head of the request as JSON; what is upgraded comes back as it was sent. */
export async function answering(id: string): Promise<{ readonly here: EdgeServer; readonly server: Server }> {
  const server = createServer((asked, answer) => {
    asked.resume().once('end', () => {
      answer.setHeader('x-by', id)
      answer.setHeader('content-type', asked.headers['x-type'] ?? 'application/octet-stream')
      answer.end(JSON.stringify({ method: asked.method, url: asked.url, headers: asked.headers }))
    })
  })
  server.on('upgrade', (asked, socket) => {
    const key = `${asked.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`
    const accepted = `Sec-WebSocket-Accept: ${createHash('sha1').update(key).digest('base64')}`
    const head = ['HTTP/1.1 101 Switching Protocols', 'Connection: Upgrade', 'Upgrade: websocket', accepted]
    socket.on('error', () => {}).write(`${head.join('\r\n')}\r\n\r\n`)
    socket.pipe(socket)
  })
  after(() => {
    server.close()
    server.closeAllConnections()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return { server, here: { id, address: '127.0.0.1', port, state: 'ready' } }
}

export interface Asked {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

export interface AskOptions {
  readonly secure?: boolean
  readonly port?: number
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** Whom the client says it wants; the host by itself. */
  readonly sni?: string
}

/** Over a connection of its own. Rejects when nobody listens. */
export function ask(host: string, path: string, options: AskOptions = {}): Promise<Asked> {
  const { secure = false, method = 'GET', headers = {}, body, sni = host } = options
  const port = options.port ?? (secure ? 443 : 80)
  const to = { host: '127.0.0.1', port, path, method, headers: { host, ...headers }, agent: false, timeout: 20_000 }
  return new Promise((resolve, reject) => {
    const sent = secure ? secureRequest({ ...to, rejectUnauthorized: false, servername: sni }) : request(to)
    sent.once('error', reject)
    sent.once('timeout', () => sent.destroy(new Error('no answer')))
    sent.once('response', (answer) => {
      let text = ''
      answer.setEncoding('utf8').on('data', (part) => {
        text += part
      })
      answer.once('end', () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text }))
      answer.once('error', reject)
    })
    sent.end(body)
  })
}
