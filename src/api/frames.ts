/**
 * What goes over the connection of a session (`croft exec` and `shell` through the daemon): frames, each a kind, a length
 * and that many bytes. Pure; both ends read and write by this file.
 *
 *   kind: 1 byte │ length: 4 bytes, the highest first │ bytes
 */
import { CroftError, type ErrorBody } from './errors.ts'

export const sessionProtocol = 'croft-exec'

/** Of each kind: its number, and how long it may be. */
const clientFrames = {
  /** JSON, the first frame and none after: what is run. */
  start: { number: 1, maxBytes: 256 * 1024 },
  stdin: { number: 2, maxBytes: 64 * 1024 },
  /** Stdin has ended. */
  eof: { number: 3, maxBytes: 0 },
  /** Columns and rows, 2 bytes each. */
  resize: { number: 4, maxBytes: 4 },
  /** The name of a signal. */
  signal: { number: 5, maxBytes: 16 },
} as const
const daemonFrames = {
  stdout: { number: 17, maxBytes: 64 * 1024 },
  stderr: { number: 18, maxBytes: 64 * 1024 },
  /** So many bytes of stdin were taken, 4 bytes: as many more may be sent. */
  taken: { number: 19, maxBytes: 4 },
  /** The exit code, 1 byte. The last frame. */
  exit: { number: 20, maxBytes: 1 },
  /** JSON, an error as any route answers it. The last frame. */
  error: { number: 21, maxBytes: 64 * 1024 },
} as const

export type ClientFrame = keyof typeof clientFrames
export type DaemonFrame = keyof typeof daemonFrames

/** Of stdin that was sent and not yet taken there is never more: then signals do not wait behind it. */
export const stdinWindowBytes = 256 * 1024
export const longestData = 64 * 1024
export const sessionSignals = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'] as const
export type SessionSignal = (typeof sessionSignals)[number]

export interface TerminalSize {
  readonly columns: number
  readonly rows: number
}

export interface SessionStart {
  /** None: the shell that the user has. */
  readonly command: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly user?: { readonly uid: number; readonly gid: number }
  /** With a terminal its size; without, pipes. */
  readonly terminal?: TerminalSize
}

export interface Frame<Kind> {
  readonly kind: Kind
  readonly bytes: Uint8Array
}

const headBytes = 5

/** Head and bytes apart, so that nothing is copied. */
export function frameHead(kind: ClientFrame | DaemonFrame, length: number): Uint8Array {
  const { number } = { ...clientFrames, ...daemonFrames }[kind]
  const head = new Uint8Array(headBytes)
  head[0] = number
  new DataView(head.buffer).setUint32(1, length)
  return head
}

export interface FrameReader<Kind> {
  /** The frames that are whole now. Throws BAD_REQUEST at a kind or length that no frame has. */
  push(chunk: Uint8Array): Frame<Kind>[]
}

export const readClientFrames = (): FrameReader<ClientFrame> => frameReader(clientFrames)
export const readDaemonFrames = (): FrameReader<DaemonFrame> => frameReader(daemonFrames)

type Kinds<Kind extends string> = Readonly<Record<Kind, { readonly number: number; readonly maxBytes: number }>>

/** Keeps a head, or one frame that is not yet whole, and nothing else. */
function frameReader<Kind extends string>(kinds: Kinds<Kind>): FrameReader<Kind> {
  const byNumber = new Map((Object.keys(kinds) as Kind[]).map((kind) => [kinds[kind].number, kind]))
  const head = new Uint8Array(headBytes)
  let headFilled = 0
  let open: { readonly kind: Kind; readonly bytes: Uint8Array; filled: number } | undefined

  function begin(): NonNullable<typeof open> {
    const kind = byNumber.get(head[0] ?? 0)
    if (kind === undefined) throw new CroftError('BAD_REQUEST', `no frame has the number ${head[0]}`)
    const length = new DataView(head.buffer).getUint32(1)
    if (length > kinds[kind].maxBytes) throw new CroftError('BAD_REQUEST', `a ${kind} frame of ${length} bytes`)
    return { kind, bytes: new Uint8Array(length), filled: 0 }
  }

  return {
    push(chunk) {
      const frames: Frame<Kind>[] = []
      let rest = chunk
      while (rest.length > 0) {
        if (!open) {
          const part = rest.subarray(0, headBytes - headFilled)
          head.set(part, headFilled)
          headFilled += part.length
          rest = rest.subarray(part.length)
          if (headFilled < headBytes) break
          headFilled = 0
          open = begin()
        }
        const part = rest.subarray(0, open.bytes.length - open.filled)
        open.bytes.set(part, open.filled)
        open.filled += part.length
        rest = rest.subarray(part.length)
        if (open.filled < open.bytes.length) break
        frames.push({ kind: open.kind, bytes: open.bytes })
        open = undefined
      }
      return frames
    },
  }
}

export const longestSide = 10_000

export const sizeBytes = ({ columns, rows }: TerminalSize): Uint8Array => {
  const bytes = new Uint8Array(4)
  const view = new DataView(bytes.buffer)
  view.setUint16(0, columns)
  view.setUint16(2, rows)
  return bytes
}

export function readSize(bytes: Uint8Array): TerminalSize {
  if (bytes.length !== 4) throw new CroftError('BAD_REQUEST', 'a size has 4 bytes')
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  const size = { columns: view.getUint16(0), rows: view.getUint16(2) }
  const fits = (side: number): boolean => side > 0 && side <= longestSide
  if (fits(size.columns) && fits(size.rows)) return size
  throw new CroftError('BAD_REQUEST', `a terminal has 1 to ${longestSide} columns and rows`)
}

export const countBytes = (count: number): Uint8Array => {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setUint32(0, count)
  return bytes
}

export function readCount(bytes: Uint8Array): number {
  if (bytes.length !== 4) throw new CroftError('BAD_REQUEST', 'a count has 4 bytes')
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0)
}

export function readSignal(bytes: Uint8Array): SessionSignal {
  const name = new TextDecoder().decode(bytes)
  const signal = sessionSignals.find((each) => each === name)
  if (signal) return signal
  throw new CroftError('BAD_REQUEST', 'no signal of that name is passed on')
}

export const jsonBytes = (value: SessionStart | ErrorBody): Uint8Array =>
  new TextEncoder().encode(JSON.stringify(value))

export function readJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (cause) {
    throw new CroftError('BAD_REQUEST', 'what should be JSON is none', { cause })
  }
}
