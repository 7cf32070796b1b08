/**
 * One session: frames from a connection to a command, and back.
 *
 *   waits for start ──start──► runs ──its end──► says exit ──► closed
 *         │                     │ connection gone, or ended from here
 *         └──────► closed ◄─────┴──── hung up
 */
import type { Duplex } from 'node:stream'
import { CroftError, toCroftError } from '../../api/errors.ts'
import {
  type ClientFrame,
  countBytes,
  type DaemonFrame,
  type Frame,
  frameHead,
  jsonBytes,
  longestData,
  readClientFrames,
  readJson,
  readSignal,
  readSize,
  type SessionStart,
  stdinWindowBytes,
} from '../../api/frames.ts'
import type { Attached, AttachedListener } from '../../drivers/exec/attached.ts'
import type { Env } from '../env.ts'

export interface SessionParts {
  readonly env: Env
  readonly socket: Duplex
  /** Checks what is asked for, and starts it. */
  readonly start: (asked: unknown, listener: AttachedListener) => Promise<Attached>
}

export interface Session {
  /** Says why, and hangs up. */
  end(why: CroftError): void
  /** When nothing of it runs any more. */
  readonly closed: Promise<void>
}

const startWithinMs = 10_000
/** Who does not read why it ended is cut off. */
const lastWordsMs = 2000

export function runSession({ env, socket, start }: SessionParts): Session {
  const reader = readClientFrames()
  const { promise: closed, resolve: close } = Promise.withResolvers<void>()
  let attached: Attached | undefined
  let asked: 'nothing' | 'starting' | 'running' | 'over' = 'nothing'
  let gone = false
  let stdinBytes = 0
  let takenBytes = 0
  const late = env.later(startWithinMs, () => {
    if (asked === 'nothing') end(new CroftError('BAD_REQUEST', 'nothing was asked for in 10 s'))
  })

  /** False when what was said before has not left yet. */
  function say(kind: DaemonFrame, bytes: Uint8Array): boolean {
    if (socket.destroyed || socket.writableEnded) return true
    socket.cork()
    socket.write(frameHead(kind, bytes.length))
    socket.write(bytes)
    socket.uncork()
    return !socket.writableNeedDrain
  }

  function sayTaken(): void {
    if (takenBytes === 0 || socket.writableNeedDrain) return
    say('taken', countBytes(takenBytes))
    takenBytes = 0
  }

  const listener: AttachedListener = {
    onOutput(from, bytes) {
      for (let at = 0; at < bytes.length; at += longestData) say(from, bytes.subarray(at, at + longestData))
      return gone || socket.destroyed || !socket.writableNeedDrain
    },
    onTaken(count) {
      stdinBytes -= count
      takenBytes += count
      sayTaken()
    },
    onEnd(how) {
      asked = 'over'
      if ('error' in how) say('error', jsonBytes(how.error.toBody()))
      else say('exit', Uint8Array.of(how.code))
      socket.end()
      close()
    },
  }

  const onFrame: { readonly [K in ClientFrame]: (bytes: Uint8Array) => void } = {
    start(bytes) {
      if (asked !== 'nothing') throw new CroftError('BAD_REQUEST', 'a session starts once')
      asked = 'starting'
      late[Symbol.dispose]()
      begin(bytes).catch((thrown) => {
        end(toCroftError(thrown))
        if (!attached) close()
      })
    },
    stdin(bytes) {
      stdinBytes += bytes.length
      if (stdinBytes > stdinWindowBytes) throw new CroftError('BAD_REQUEST', 'more stdin than was asked for')
      running().write(bytes)
    },
    eof: () => running().end(),
    resize: (bytes) => running().resize(readSize(bytes)),
    signal: (bytes) => running().signal(readSignal(bytes)),
  }

  /** What comes before it runs waits in the connection: the socket is not read meanwhile. */
  async function begin(what: Uint8Array): Promise<void> {
    socket.pause()
    const started = await start(readJson(what), listener)
    attached = started
    if (asked === 'starting') asked = 'running'
    for (const frame of waiting.splice(0)) take(frame)
    socket.resume()
    if (gone) started.hangUp()
  }

  function running(): Attached {
    if (attached) return attached
    throw new CroftError('BAD_REQUEST', 'a session begins with what is asked for')
  }

  const waiting: Frame<ClientFrame>[] = []
  function take(frame: Frame<ClientFrame>): void {
    if (gone) return
    if (asked === 'starting' && !attached) waiting.push(frame)
    else if (asked !== 'over') onFrame[frame.kind](frame.bytes)
  }

  /** The connection is of no use any more. */
  function leave(): void {
    if (gone) return
    gone = true
    late[Symbol.dispose]()
    attached?.hangUp()
    if (asked === 'nothing') close()
  }

  function end(why: CroftError): void {
    if (gone) return
    say('error', jsonBytes(why.toBody()))
    socket.end()
    env.later(lastWordsMs, () => socket.destroy())
    leave()
  }

  socket.on('data', (chunk: Buffer) => {
    try {
      for (const frame of reader.push(chunk)) take(frame)
    } catch (thrown) {
      end(toCroftError(thrown))
    }
  })
  socket.on('drain', () => {
    sayTaken()
    attached?.resume()
  })
  socket.on('error', () => socket.destroy())
  socket.once('end', () => socket.destroy())
  socket.once('close', leave)
  socket.resume()
  return { end, closed }
}

export type { SessionStart }
