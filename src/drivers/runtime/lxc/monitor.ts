/**
 * The life of a guest's monitor, read from the kernel: its abstract command socket in /proc/net/unix, its pid from the
 * file that lxc-start wrote, its child the guest's init. No process is started to look.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { createConnection } from 'node:net'
import type { Layout } from './layout.ts'

/** Numbers of guests under `lxcPath` whose monitor listens. */
export function liveNumbers(lxcPath: string, unixSockets: string): Set<number> {
  const live = new Set<number>()
  const prefix = `@${lxcPath}/`
  for (const line of unixSockets.split('\n')) {
    const at = line.indexOf(prefix)
    const match = at < 0 ? null : /^(\d{1,5})\/command$/.exec(line.slice(at + prefix.length))
    if (match) live.add(Number(match[1]))
  }
  return live
}

export const readUnixSockets = (): string => readFileSync('/proc/net/unix', 'utf8')

export interface Monitor {
  readonly pid: number
  readonly init: number | undefined
  readonly startedAt: string
}

/** Root's own: a title is anybody's to choose, and so is the name of an abstract socket. */
function isMonitor(pid: number | string, title = ''): boolean {
  try {
    const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8')
    return line.startsWith(`[lxc monitor] ${title}`) && statSync(`/proc/${pid}`).uid === 0
  } catch {
    return false
  }
}

/** Of a guest whose socket listens. The pid file comes a moment after the socket: without it all processes are looked at. */
export function hasMonitor(layout: Layout, lxcPath: string, number: number): boolean {
  if (findMonitor(layout)) return true
  const title = `${lxcPath} ${number}\0`
  return readdirSync('/proc').some((pid) => /^\d+$/.test(pid) && isMonitor(pid, title))
}

/** The monitor named in the pid file, if that process is one; pids are reused. */
export function findMonitor(layout: Layout): Monitor | undefined {
  try {
    const pid = Number(readFileSync(layout.pidFile, 'utf8'))
    if (!Number.isInteger(pid) || pid < 2 || !isMonitor(pid)) return undefined
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
      .trim()
      .split(' ')
      .map(Number)
      .filter((child) => child > 1)
    return { pid, init: children[0], startedAt: statSync(layout.pidFile).mtime.toISOString() }
  } catch {
    return undefined
  }
}

export function killQuietly(pid: number, signal: NodeJS.Signals | number): boolean {
  try {
    process.kill(pid, signal)
    return true
  } catch {
    return false
  }
}

/** Calls back once when the monitor's end of the socket closes, or when nobody listened. Never sends a byte. */
export function watchMonitor(layout: Layout, callback: () => void): Disposable {
  const socket = createConnection({ path: `\0${layout.socket}` })
  let told = false
  const tell = () => {
    if (told) return
    told = true
    socket.destroy()
    callback()
  }
  socket.on('error', tell).on('end', tell).on('close', tell).resume()
  socket.unref()
  return {
    [Symbol.dispose]() {
      told = true
      socket.destroy()
    },
  }
}

/** Returns when the monitor's socket closed, or after `ms`. */
export function monitorGone(layout: Layout, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer)
      watch[Symbol.dispose]()
      resolve()
    }
    const timer = setTimeout(done, ms)
    const watch = watchMonitor(layout, done)
  })
}
