/** Words that the daemon runs in a guest for us: the same three ways as spawn.ts has for root of the host. */
import { createInterface } from 'node:readline'
import { PassThrough } from 'node:stream'
import { CroftError } from '../../api/errors.ts'
import {
  type ClientFrame,
  type DaemonFrame,
  frameHead,
  jsonBytes,
  longestData,
  readCount,
  readDaemonFrames,
  readJson,
  type SessionStart,
  sizeBytes,
  stdinWindowBytes,
} from '../../api/frames.ts'
import { standardStream } from '../io.ts'
import { errorBody, RemoteError } from '../wire/request.ts'
import type { Entrance } from '../wire/upgrade.ts'
import { type PipedOptions, passedOn, type Streamed, type StreamedOptions } from './spawn.ts'

export interface Afar extends Entrance {
  readonly start: SessionStart
}

interface Ears {
  /** False: no more, until `resume`. */
  onOutput(from: 'stdout' | 'stderr', bytes: Uint8Array): boolean
}

interface Session {
  /** The exit code. */
  readonly ended: Promise<number>
  /** Returns when there is room for more; false when nobody takes any. */
  write(bytes: Uint8Array): Promise<boolean>
  say(kind: ClientFrame, bytes?: Uint8Array): void
  resume(): void
  /** What runs is hung up. */
  leave(): void
}

const brokenOff = (): CroftError =>
  new CroftError('UNREACHABLE', 'the connection broke: the session is over, and what ran inside is hung up', {
    hint: 'croft status   (the token may have ended: croft login)',
  })

const refusal = { status: 500, headers: new Map<string, string>(), body: '' }

async function begin(afar: Afar, start: SessionStart, ears: Ears): Promise<Session> {
  const { socket, rest } = await afar.open()
  const reader = readDaemonFrames()
  const { promise: ended, resolve, reject } = Promise.withResolvers<number>()
  let room = stdinWindowBytes
  let over = false
  let wake = (): void => undefined

  const onFrame: { readonly [K in DaemonFrame]: (bytes: Uint8Array) => void } = {
    stdout: (bytes) => heard(ears.onOutput('stdout', bytes)),
    stderr: (bytes) => heard(ears.onOutput('stderr', bytes)),
    taken(bytes) {
      room += readCount(bytes)
      wake()
    },
    exit: (bytes) => settle(() => resolve(bytes[0] ?? 0)),
    error: (bytes) => settle(() => reject(new RemoteError(errorBody(refusal, readJson(bytes))))),
  }
  const heard = (goesOn: boolean) => void (goesOn || socket.pause())
  function settle(act: () => void): void {
    over = true
    act()
    wake()
    socket.destroy()
  }
  function read(chunk: Uint8Array): void {
    try {
      for (const { kind, bytes } of reader.push(chunk)) if (!over) onFrame[kind](bytes)
    } catch (thrown) {
      settle(() => reject(thrown))
    }
  }
  function say(kind: ClientFrame, bytes: Uint8Array = new Uint8Array()): void {
    if (over) return
    socket.cork()
    socket.write(frameHead(kind, bytes.length))
    socket.write(bytes)
    socket.uncork()
  }

  ended.catch(() => undefined)
  socket.setNoDelay(true).setKeepAlive(true, 30_000)
  socket.on('data', read)
  socket.once('close', () => over || settle(() => reject(brokenOff())))
  say('start', jsonBytes(start))
  if (rest.length > 0) read(rest)
  socket.resume()
  return {
    ended,
    say,
    async write(bytes) {
      for (let at = 0; at < bytes.length && !over; ) {
        const part = bytes.subarray(at, at + Math.min(longestData, room))
        if (part.length === 0) {
          await new Promise<void>((next) => {
            wake = next
          })
          continue
        }
        room -= part.length
        at += part.length
        say('stdin', part)
      }
      return !over
    },
    resume: () => void socket.resume(),
    leave: () => settle(() => reject(brokenOff())),
  }
}

/** On our own stdin, stdout and stderr; where both ends are a terminal with one inside. */
export async function attachAfar(afar: Afar): Promise<number> {
  const { stdin } = process
  const stdout = standardStream(1)
  const stderr = standardStream(2)
  const onTerminal = stdin.isTTY === true && stdout.isTTY === true
  const size = () => ({ columns: stdout.columns || 80, rows: stdout.rows || 24 })
  let readerGone = false
  const session = await begin(afar, onTerminal ? { ...afar.start, terminal: size() } : afar.start, {
    onOutput: (from, bytes) => (from === 'stdout' ? stdout : stderr).write(bytes),
  })
  const pass = (signal: NodeJS.Signals) => session.say('signal', Buffer.from(signal))
  const resize = () => session.say('resize', sizeBytes(size()))
  const onGone = () => {
    readerGone = true
    session.leave()
  }
  for (const signal of passedOn) process.on(signal, pass)
  for (const stream of [stdout, stderr]) stream.on('drain', session.resume)
  stdout.once('error', onGone)
  if (onTerminal) {
    stdin.setRawMode(true)
    stdout.on('resize', resize)
  }
  void feed(session, stdin)
  try {
    return await session.ended
  } catch (thrown) {
    // As when the guest's own pipe had broken.
    if (readerGone) return 141
    throw thrown
  } finally {
    if (onTerminal) stdin.setRawMode(false)
    stdout.off('resize', resize)
    for (const stream of [stdout, stderr]) stream.off('drain', session.resume)
    for (const signal of passedOn) process.off(signal, pass)
    stdin.destroy()
  }
}

async function feed(session: Session, input: AsyncIterable<Buffer>): Promise<void> {
  try {
    for await (const bytes of input) if (!(await session.write(bytes))) return
  } catch {
    // What cannot be read has ended.
  }
  session.say('eof')
}

/** Nothing on stdin, line by line. */
export async function pipeAfar(afar: Afar, options: PipedOptions): Promise<number> {
  const streams = { stdout: new PassThrough(), stderr: new PassThrough() }
  const drained = (['stdout', 'stderr'] as const).map((from) => {
    const lines = createInterface({ input: streams[from], crlfDelay: Number.POSITIVE_INFINITY })
    lines.on('line', (line) => options.onLine(line, from))
    return new Promise<void>((resolve) => lines.once('close', resolve))
  })
  const session = await begin(afar, afar.start, { onOutput: (from, bytes) => streams[from].write(bytes) })
  for (const stream of Object.values(streams)) stream.on('drain', session.resume)
  session.say('eof')
  using _ = passing(session, options.signal)
  try {
    return await session.ended
  } finally {
    for (const stream of Object.values(streams)) stream.end()
    await Promise.all(drained)
  }
}

const keptChars = 8192

/** With bytes in and out. */
export async function streamAfar(afar: Afar, { input, onOutput, signal }: StreamedOptions): Promise<Streamed> {
  signal?.throwIfAborted()
  let said = ''
  let failure: { readonly thrown: unknown } | undefined
  const session = await begin(afar, afar.start, {
    onOutput(from, bytes) {
      try {
        if (from === 'stderr') said = (said + Buffer.from(bytes).toString('utf8')).slice(-keptChars)
        else onOutput?.(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length))
      } catch (thrown) {
        failure ??= { thrown }
        session.leave()
      }
      return true
    },
  })
  const feeding = feedOrLeave(session, input)
  using _ = passing(session, signal)
  try {
    const exit = await session.ended
    signal?.throwIfAborted()
    return { exit, said }
  } catch (thrown) {
    signal?.throwIfAborted()
    throw failure ? failure.thrown : ((await feeding) ?? thrown)
  }
}

/** What is wrong with our own input ends the session, and is returned. */
async function feedOrLeave(session: Session, input: AsyncIterable<Buffer> | undefined): Promise<unknown> {
  try {
    if (input) for await (const bytes of input) if (!(await session.write(bytes))) break
    session.say('eof')
    return undefined
  } catch (thrown) {
    session.leave()
    return thrown
  }
}

/** Signals to us go to the command, and so does the end of interest in it. */
function passing(session: Session, signal: AbortSignal | undefined): Disposable {
  const pass = (name: NodeJS.Signals) => session.say('signal', Buffer.from(name))
  const onAbort = () => pass('SIGTERM')
  if (signal?.aborted) onAbort()
  signal?.addEventListener('abort', onAbort, { once: true })
  for (const name of passedOn) process.on(name, pass)
  return {
    [Symbol.dispose]() {
      signal?.removeEventListener('abort', onAbort)
      for (const name of passedOn) process.off(name, pass)
    },
  }
}
