/** One HTTP request over a unix socket, as it is. */
import { request } from 'node:http'

export interface Reply {
  readonly status: number
  readonly body: unknown
  readonly text: string
  /** Its content-type. */
  readonly type: string | undefined
}

export interface Asked {
  readonly method: string
  readonly path: string
  /** Text goes as it is, everything else as JSON. */
  readonly body?: unknown
}

export function ask(socketPath: string, { method, path, body }: Asked): Promise<Reply> {
  const text = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body)
  const headers: Record<string, string> =
    text === undefined ? {} : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(text)) }
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath, method, path, headers }, (response) => {
      let said = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        said += chunk
      })
      response.on('end', () => {
        const { statusCode = 0, headers } = response
        resolve({ status: statusCode, body: parsed(said), text: said, type: headers['content-type'] })
      })
    })
    asked.on('error', reject).end(text)
  })
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
