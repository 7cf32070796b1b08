/**
 * Fills the cache that the command starts from: runs what people run most against a stand-in of a daemon, and keeps what V8
 * compiled for it. Node's own compile cache holds what a file is before it ran, so that all its functions are compiled again.
 * usage: node dist/warm.mjs
 */
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Script } from 'node:vm'
import type { Guest } from '../src/api/guest.ts'
import type { Operation } from '../src/api/resources.ts'

/** Put in by bundle.ts. */
declare const CACHE_FILE: string

const commands = ['version', 'help', 'create --help', 'ls', 'show web', 'create web debian:12', 'stop web', 'ls --json']
// For all others the daemon runs it.
if (process.getuid?.() === 0) commands.push('exec web true')

const at = '2026-01-02T03:04:05Z'
const guest: Guest = {
  ...{ name: 'web', number: 1, id: 'id', host: 'ash', generation: 1, revision: 1, created: at },
  spec: {
    ...{ run: 'running', stop: 'graceful', restarts: 0, template: 'debian:12', pool: 'default', network: 'default' },
    root: { id: 'r', from: { kind: 'template', id: 't', ref: 'debian:12' } },
    limits: { memoryBytes: 2 ** 30 },
    ...{ labels: {}, autostart: true, order: 0, ports: [], rules: [], keys: [] },
  },
  status: { state: 'running', generation: 1, since: at, startedAt: at },
  ...{ ipv4: '10.100.0.1', ipv6: 'fd00::1' },
}
const operation: Operation = {
  ...{ id: 'op', verb: 'create', by: 'root', state: 'done', created: at, log: [] },
  target: { kind: 'guest', name: 'web' },
}
const answers: readonly (readonly [RegExp, unknown])[] = [
  [/^GET \/v1\/guests /, { items: [guest] }],
  [/^GET \/v1\/guests\/web /, guest],
  [/^GET \/v1\/guests\/web\/attach /, { file: 'true', args: [] }],
  [/^GET /, { items: [] }],
  [/^POST /, { operation, result: guest }],
]

const folder = mkdtempSync(join(tmpdir(), 'croft-warm-'))
const server = createServer((socket) => {
  socket.on('error', () => {})
  socket.once('data', (bytes) => {
    const head = bytes.toString('latin1')
    const body = JSON.stringify(answers.find(([asked]) => asked.test(head))?.[1])
    socket.end(
      `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    )
  })
})

async function warm(): Promise<void> {
  const filename = join(import.meta.dirname, 'cli.cjs')
  const script = new Script(readFileSync(filename, 'latin1'), { filename })
  const socketPath = join(folder, 's')
  await new Promise<void>((resolve) => server.listen(socketPath, resolve))
  for (const key of Object.keys(process.env)) if (key.startsWith('CROFT_')) delete process.env[key]
  Object.assign(process.env, { CROFT_SOCKET: socketPath, HOME: folder, XDG_CONFIG_HOME: folder })
  for (const words of commands) {
    process.argv.splice(2, process.argv.length, ...words.split(' '))
    const cli: { exports: { readonly ended?: Promise<number> } } = { exports: {} }
    script.runInThisContext()(createRequire(filename), cli)
    const code = await cli.exports.ended
    if (code !== 0) throw new Error(`croft ${words}: exit ${code}`)
  }
  writeFileSync(`${CACHE_FILE}.new`, script.createCachedData())
  renameSync(`${CACHE_FILE}.new`, CACHE_FILE)
}

try {
  await warm()
} finally {
  server.close()
  rmSync(folder, { recursive: true, force: true })
}
