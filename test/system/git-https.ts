/**
 * The repositories of a folder over https, by git's own program. Runs until it is killed.
 *
 *     node git-https.ts '{"folder":"/srv/git","port":8443,"cert":"…","key":"…"}'
 */
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { createServer } from 'node:https'

export interface GitHttps {
  readonly folder: string
  readonly port: number
  /** Files. */
  readonly cert: string
  readonly key: string
}

function serve({ folder, port, cert, key }: GitHttps): void {
  const server = createServer({ cert: readFileSync(cert), key: readFileSync(key) }, (request, response) => {
    const { pathname, search } = new URL(request.url ?? '/', 'https://localhost')
    const child = spawn('git', ['http-backend'], {
      env: {
        ...{ PATH: process.env.PATH, GIT_PROJECT_ROOT: folder, GIT_HTTP_EXPORT_ALL: '1' },
        ...{ PATH_INFO: pathname, QUERY_STRING: search.slice(1), REQUEST_METHOD: request.method },
        CONTENT_TYPE: request.headers['content-type'] ?? '',
        HTTP_CONTENT_ENCODING: String(request.headers['content-encoding'] ?? ''),
        GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
      },
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    request.pipe(child.stdin)
    const chunks: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
    child.on('close', () => answer(response, Buffer.concat(chunks)))
  })
  server.listen(port)
}

/** Headers as of CGI, an empty line, the rest. */
function answer(response: ServerResponse, said: Buffer): void {
  const end = said.indexOf('\r\n\r\n')
  for (const line of said.subarray(0, end).toString('latin1').split('\r\n')) {
    const [name = '', value = ''] = line.split(/: (.*)/s)
    if (name === 'Status') response.statusCode = Number.parseInt(value, 10)
    else response.setHeader(name, value)
  }
  response.end(said.subarray(end + 4))
}

serve(JSON.parse(process.argv[2] ?? '') as GitHttps)
