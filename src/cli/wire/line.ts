/** The way to a daemon: the unix socket of this machine, or the line to a farm from afar (remote.ts). */
import { existsSync } from 'node:fs'
import type { Socket } from 'node:net'
import { CroftError } from '../../api/errors.ts'

export interface Line {
  open(): Socket
  /** The event after which who answers is known, and something may be said. */
  readonly ready: 'connect' | 'secureConnect'
  readonly connectMs?: number
  /** Of every request. */
  readonly heads: readonly string[]
  failure(cause: NodeJS.ErrnoException): CroftError
}

export interface Listener {
  /** How long nothing may come before it counts as unreachable. */
  readonly idleMs: number
  onData(chunk: Buffer): void
  onEnd(): void
  onFailure(error: CroftError): void
}

export function speak(line: Line, bytes: Buffer, { idleMs, onData, onEnd, onFailure }: Listener): Socket {
  const socket = line.open()
  let waitMs = line.connectMs ?? idleMs
  socket.setTimeout(waitMs, () => onFailure(silence(waitMs)))
  socket.once(line.ready, () => {
    waitMs = idleMs
    socket.setTimeout(idleMs).write(bytes)
  })
  socket.on('data', onData)
  socket.on('end', onEnd)
  socket.on('error', (cause: NodeJS.ErrnoException) => onFailure(line.failure(cause)))
  return socket
}

export const localLine = (socketPath: string): Line => ({
  // Loaded by who asks: `version`, `help` and slips do without.
  open: () => process.getBuiltinModule('node:net').connect(socketPath),
  ready: 'connect',
  heads: [],
  failure: (cause) => connectError(cause, socketPath),
})

function connectError(cause: NodeJS.ErrnoException, socketPath: string): CroftError {
  if (cause.code === 'EACCES' || cause.code === 'EPERM') {
    return new CroftError('FORBIDDEN', `you may not use ${socketPath}`, {
      hint: 'run it as root; to read alone, root lets you in: adduser NAME croft',
      cause,
    })
  }
  const absent = cause.code === 'ENOENT' || cause.code === 'ECONNREFUSED'
  const message = absent
    ? `the daemon does not run: nothing answers on ${socketPath}`
    : `the connection to the daemon broke: ${cause.message}`
  const hint = absent ? startHint() : 'croft op ls'
  return new CroftError('UNREACHABLE', message, { hint, cause })
}

/** How the daemon is started here. */
export function startHint(): string {
  const systemd = existsSync('/run/systemd/system')
  return `${systemd ? 'systemctl start croft' : 'croft daemon &'}   (a new host: croft init)`
}

function silence(idleMs: number): CroftError {
  return new CroftError('UNREACHABLE', `the daemon has been silent for ${Math.round(idleMs / 1000)} s`, {
    hint: 'croft op ls',
  })
}
