/** `croft daemon`: starts, says so, and ends cleanly at SIGTERM. Guests run on: they belong to their own monitors. */
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { toCroftError } from '../api/errors.ts'
import { createRunner } from '../drivers/exec/runner.ts'
import { diagnoseWithoutDaemon } from './doctor/doctor.ts'
import { createLog } from './log.ts'
import { sayReady } from './ready.ts'
import { releaseFrom } from './release.ts'
import { settingsFrom, trialsIn } from './settings.ts'
import { shutDownGuests } from './shutdown.ts'
import { startDaemon } from './start.ts'

export { prepareHost, undoHost } from './hostprep/hostprep.ts'
export const shutDownHost = (say: (line: string) => void) => shutDownGuests(settingsFrom(process.env), say)
export const examineHost = () => diagnoseWithoutDaemon(settingsFrom(process.env))

/** A file of another tool as croft.toml: no daemon is asked. */
export const importApplication = async (text: string, file: string, app?: string) =>
  (await import('../plan/config/import/import.ts')).importAppFile(text, file, app)

/** What a croft.toml calls its app; told with line and column when it is wrong. */
export const nameInToml = async (text: string) => (await import('../plan/config/parse.ts')).parseAppFile(text).app?.name

/** What code is, by its files; with the croft.toml that says so. */
export async function recogniseApplication(files: readonly string[], read: (path: string) => string, name: string) {
  const { detectPlatform, isTelling, writeToml } = await import('../plan/platforms/table.ts')
  const detected = detectPlatform(files, (path) => (isTelling(path) && files.includes(path) ? read(path) : undefined))
  return detected && { platform: detected.platform, found: detected.found, toml: writeToml(detected, name) }
}

export async function runDaemon(): Promise<void> {
  const log = createLog(process.env.CROFT_LOG || 'info')
  process.on('unhandledRejection', (thrown) =>
    log.error({ error: String(thrown), stack: (thrown as Error | undefined)?.stack }, 'unhandled rejection'),
  )
  const settings = settingsFrom(process.env)
  for (const name of trialsIn(process.env))
    log.warn({ [name]: process.env[name] }, `${name} is set: that is for trying croft out, not for running it`)
  const running = await startDaemon({
    settings: settingsFrom(process.env),
    log,
    ...releaseFrom(process.env),
    environment: process.env,
  }).catch((thrown) => {
    const error = toCroftError(thrown)
    log.fatal({ code: error.code, hint: error.hint }, error.message)
    process.exitCode = 1
    return undefined
  })
  if (!running) process.exit(1)
  const pidFile = join(settings.stateDir, 'daemon.pid')
  writeFileSync(pidFile, `${process.pid}\n`, { mode: 0o600 })
  await sayReady(createRunner(), process.env).catch((thrown) =>
    log.warn({ error: String(thrown) }, 'systemd was not told that this is ready'),
  )
  const stop = (signal: string) => {
    log.info({ signal }, 'stopping; guests run on')
    running.close().then(
      () => {
        rmSync(pidFile, { force: true })
        process.exit(0)
      },
      (thrown) => {
        log.error({ error: String(thrown) }, 'did not stop cleanly')
        process.exit(1)
      },
    )
  }
  process.once('SIGTERM', () => stop('SIGTERM'))
  process.once('SIGINT', () => stop('SIGINT'))
}
