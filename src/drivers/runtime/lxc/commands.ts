import type { Command } from '../../exec/command.ts'
import type { AttachOptions } from '../driver.ts'
import type { Layout, LxcOptions } from './layout.ts'

/** Longer than any honest first step takes; a hook that hangs hangs lxc-start. */
const defaultStartTimeoutMs = 30_000

/**
 * When LXC finds newuidmap it runs that through a shell, twice, for 10 ms; without, root writes the maps itself. That the
 * range is ours is made sure by setup and doctor.
 */
export const withoutNewuidmap = '/usr/sbin:/sbin'

export function startCommand(options: LxcOptions, number: number, layout: Layout): Command {
  const { lxcPath, startTimeoutMs } = options
  return {
    file: '/usr/bin/lxc-start',
    args: ['-P', lxcPath, '-n', String(number), '-d', '-o', layout.log, '-l', 'ERROR', '-p', layout.pidFile],
    timeoutMs: startTimeoutMs ?? defaultStartTimeoutMs,
    env: { PATH: withoutNewuidmap },
  }
}

/** Words run inside as root with a clean environment. Only fds 0 to 2 go along: lxc-attach closes the others. */
export function attachCommand(lxcPath: string, number: number, options: AttachOptions): Command {
  const environment = Object.entries(options.env).flatMap(([key, value]) => ['-v', `${key}=${value}`])
  const { uid, gid } = options.user ?? {}
  const user = uid === undefined ? [] : ['-u', String(uid), '-g', String(gid)]
  return {
    file: 'lxc-attach',
    args: ['-P', lxcPath, '-n', String(number), '--clear-env', ...environment, ...user, '--', ...options.command],
    timeoutMs: 24 * 3600 * 1000,
  }
}

/** Terminal 0 is /dev/console; the others do not exist. */
export const consoleCommand = (lxcPath: string, number: number): Command => ({
  file: 'lxc-console',
  args: ['-P', lxcPath, '-n', String(number), '-t', '0', '-e', '^a'],
  timeoutMs: 24 * 3600 * 1000,
})

export const deleteLink = (link: string): Command => ({
  file: 'ip',
  args: ['link', 'delete', 'dev', link],
  timeoutMs: 20_000,
})
