/** Makes the daemon answer: by systemd where that runs and knows us, else as a process of our own. */
import { existsSync, mkdirSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { CroftError, isCode } from '../../../api/errors.ts'
import type { Context } from '../../context.ts'
import { runHere, startDetached } from '../../process/spawn.ts'

const unitFiles = [
  '/etc/systemd/system/croft.service',
  '/lib/systemd/system/croft.service',
  '/usr/lib/systemd/system/croft.service',
]
const patienceMs = 20_000
const lookEveryMs = 25

export async function ensureDaemon(context: Context): Promise<void> {
  if (await answers(context)) return
  const started = await start(context)
  const { io } = context
  const deadline = io.now() + patienceMs
  while (!(await answers(context))) {
    if (started.hasEnded() || io.now() > deadline) throw await notUp(context, started)
    await io.sleep(lookEveryMs)
  }
  context.say('  ✓ daemon started')
}

interface Started {
  /** Where its output goes; undefined when systemd keeps it. */
  readonly logPath?: string
  hasEnded(): boolean
}

async function notUp(context: Context, { logPath }: Started): Promise<CroftError> {
  const what = `the daemon was started but does not answer on ${context.socketPath}`
  if (logPath === undefined) return new CroftError('UNREACHABLE', what, { hint: 'journalctl -u croft' })
  const log = await context.io.readTextFile(logPath).catch(() => '')
  const last = log.trimEnd().split('\n').slice(-5).join('\n')
  return new CroftError('UNREACHABLE', last === '' ? what : `${what}\n${last}`, { hint: `tail ${logPath}` })
}

/** Any answer will do: that there is no farm yet is one. */
async function answers(context: Context): Promise<boolean> {
  try {
    await context.client.request('getStatus', { idleMs: 5000 })
    return true
  } catch (error) {
    if (isCode(error, 'UNREACHABLE')) return false
    if (isCode(error, 'FORBIDDEN')) throw error
    return true
  }
}

async function start(context: Context): Promise<Started> {
  if (existsSync('/run/systemd/system') && unitFiles.some((file) => existsSync(file))) {
    const code = await runHere('systemctl', ['start', 'croft'])
    if (code !== 0) {
      throw new CroftError('UNREACHABLE', `systemctl start croft: exit ${code}`, { hint: 'journalctl -u croft' })
    }
    return { hasEnded: () => false }
  }
  const folder = context.io.env.CROFT_STATE || '/var/lib/croft'
  makeFolder(resolve(folder))
  const logPath = join(folder, 'daemon.log')
  const entry = process.argv[1] ?? ''
  const { hasEnded } = startDetached(
    { file: process.execPath, args: [...process.execArgv, entry, 'daemon'], env: daemonEnv(context) },
    logPath,
  )
  return { logPath, hasEnded }
}

/** 0711: guests pass through it to their own folders. One by one, because `recursive` never ends where nothing can be made. */
function makeFolder(folder: string): void {
  if (existsSync(folder)) return
  makeFolder(dirname(folder))
  try {
    mkdirSync(folder, { mode: 0o711 })
  } catch (cause) {
    throw new CroftError('FAILED', `${folder} cannot be made: ${cause instanceof Error ? cause.message : cause}`, {
      cause,
    })
  }
}

/** The daemon must not depend on whose shell it was started from. */
function daemonEnv({ io, socketPath }: Context): Record<string, string> {
  const own = Object.entries(io.env).filter(([key]) => /^CROFT_|^NODE_/.test(key))
  return {
    ...Object.fromEntries(own.map(([key, value]) => [key, value ?? ''])),
    PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
    LC_ALL: 'C.UTF-8',
    HOME: '/root',
    CROFT_SOCKET: socketPath,
  }
}
