/** A session over a connection in memory: real processes stand in for lxc-attach. */
import assert from 'node:assert/strict'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { CroftError } from '../../../src/api/errors.ts'
import {
  type ClientFrame,
  type DaemonFrame,
  frameHead,
  readDaemonFrames,
  readJson,
  type SessionStart,
  sizeBytes,
  stdinWindowBytes,
} from '../../../src/api/frames.ts'
import { systemEnv } from '../../../src/daemon/env.ts'
import { runSession, type Session } from '../../../src/daemon/sessions/session.ts'
import { startAttached } from '../../../src/drivers/exec/attached.ts'

const path = join(tmpdir(), `croft-session-${process.pid}.sock`)
const waiting: ((socket: Socket) => void)[] = []
const server = createServer({ allowHalfOpen: true }, (socket) => waiting.shift()?.(socket))
await new Promise<void>((resolve) => server.listen(path, resolve))
after(() => server.close())

interface Client {
  readonly socket: Socket
  readonly session: Session
  readonly far: Socket
  say(kind: ClientFrame, bytes?: Uint8Array | string): void
  /** All that was said until the connection ended. */
  heard(): Promise<readonly (readonly [DaemonFrame, Buffer])[]>
}

async function open(): Promise<Client> {
  const arrived = new Promise<Socket>((resolve) => waiting.push(resolve))
  const socket = connect(path).on('error', () => undefined)
  const far = await arrived
  const session = runSession({
    env: systemEnv,
    socket: far,
    start(asked, listener) {
      const { command, terminal } = asked as SessionStart
      return startAttached({ file: 'env', args: ['-i', '--', ...command], timeoutMs: 0 }, listener, terminal)
    },
  })
  return {
    ...{ socket, session, far },
    say(kind, bytes = '') {
      const sent = typeof bytes === 'string' ? Buffer.from(bytes) : bytes
      socket.write(Buffer.concat([frameHead(kind, sent.length), sent]))
    },
    async heard() {
      const reader = readDaemonFrames()
      const frames: [DaemonFrame, Buffer][] = []
      socket.on('data', (chunk: Buffer) => {
        for (const { kind, bytes } of reader.push(chunk)) frames.push([kind, Buffer.from(bytes)])
      })
      await new Promise((resolve) => socket.once('close', resolve))
      return frames
    },
  }
}

const start = (...command: string[]): string => JSON.stringify({ command, env: {} })
const onTerminal = (...command: string[]): string =>
  JSON.stringify({ command, env: {}, terminal: { columns: 91, rows: 31 } })
const shown = (frames: readonly (readonly [DaemonFrame, Buffer])[]): string =>
  Buffer.concat(frames.filter(([kind]) => kind === 'stdout').map(([, bytes]) => bytes)).toString()
const codeOf = (frames: readonly (readonly [DaemonFrame, Buffer])[]) => {
  const [kind, bytes] = frames.at(-1) ?? []
  return kind === 'error' ? (readJson(bytes as Buffer) as { code: string }).code : kind
}

test('stdin goes in, is taken, comes out, and the exit code is last', async () => {
  const client = await open()
  client.say('start', start('/bin/sh', '-c', 'cat; exit 9'))
  client.say('stdin', 'hello')
  client.say('eof')
  const frames = await client.heard()
  assert.equal(shown(frames), 'hello')
  assert.ok(frames.some(([kind]) => kind === 'taken'))
  assert.deepEqual(frames.at(-1), ['exit', Buffer.from([9])])
  await client.session.closed
})

test('a terminal has its size, hears of another one, and is all that its command has open', async () => {
  const client = await open()
  const script = `trap "stty size; exit 5" WINCH
    stty size
    cd /proc/$$/fd; for fd in *; do [ ! -t $fd ] || echo $fd; done
    echo ready
    while :; do sleep 0.05; done`
  client.say('start', onTerminal('/bin/sh', '-c', script))
  const heard = client.heard()
  await new Promise<void>((resolve) => client.socket.on('data', (bytes) => bytes.includes('ready') && resolve()))
  client.say('resize', sizeBytes({ columns: 120, rows: 40 }))
  const frames = await heard
  assert.deepEqual(shown(frames).trim().split(/\s+/), ['31', '91', '0', '1', '2', 'ready', '40', '120'])
  assert.deepEqual(frames.at(-1), ['exit', Buffer.from([5])])
})

test('hostile frames end the session with one clear word, and nothing is left running', async () => {
  const flood = Buffer.alloc(60_000)
  const asleep = start('/bin/sh', '-c', 'sleep 1000; true')
  const stories: readonly ((client: Client) => void)[] = [
    ({ say }) => say('stdin', 'before it starts'),
    ({ say }) => say('start', '{"command":'),
    ({ socket }) => socket.write(Buffer.from([99, 0, 0, 0, 0])),
    ({ socket }) => socket.write(Buffer.from([2, 255, 255, 255, 255])),
    ({ say }) => {
      say('start', asleep)
      say('start', asleep)
    },
    ({ say }) => {
      say('start', asleep)
      say('signal', 'SIGKILL')
    },
    ({ say }) => {
      say('start', asleep)
      say('resize', Buffer.alloc(4))
    },
    ({ say }) => {
      say('start', asleep)
      for (let sent = 0; sent <= 16 * stdinWindowBytes; sent += flood.length) say('stdin', flood)
    },
  ]
  for (const tell of stories) {
    const client = await open()
    tell(client)
    assert.equal(codeOf(await client.heard()), 'BAD_REQUEST')
    await client.session.closed
  }
})

test('who goes away leaves nothing running, and an end from here is told', async () => {
  const gone = await open()
  gone.say('start', start('/bin/sh', '-c', 'sleep 1000; true'))
  gone.socket.destroy()
  await gone.session.closed
  const told = await open()
  told.say('start', start('/bin/sh', '-c', 'echo up; sleep 1000; true'))
  const heard = told.heard()
  await new Promise((resolve) => told.socket.once('data', resolve))
  told.session.end(new CroftError('CANCELLED', 'over'))
  assert.equal(codeOf(await heard), 'CANCELLED')
  await told.session.closed
})

test('who does not read holds the command, not our memory', async () => {
  const client = await open()
  client.socket.pause()
  client.say('start', start('/bin/cat', '/dev/zero'))
  let before = -1
  while (client.far.bytesWritten === 0 || client.far.bytesWritten !== before) {
    before = client.far.bytesWritten
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  assert.ok(client.far.writableLength < 1024 ** 2, `${client.far.writableLength} bytes are held`)
  client.socket.destroy()
  await client.session.closed
})
