/**
 * The host shuts down: guests are asked to, in the reverse of their order, and nobody's wish changes, so that they start
 * again with the host. It needs no daemon, and none may run meanwhile: that would start them again.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createRunner } from '../drivers/exec/runner.ts'
import type { Runtime } from '../drivers/runtime/driver.ts'
import { runtimeDrivers } from '../drivers/runtime/table.ts'
import { type Leaving, planShutdown } from '../plan/shutdown.ts'
import { type Alone, tryAlone } from './alone.ts'
import { findKept } from './host/kept.ts'
import { keptFileOf, type Settings } from './settings.ts'

/** The unit gives a little more. */
const limitMs = 120_000
const askAgainMs = 5_000
const lookMs = 100

/** For the unit that is stopped with the host. Stopped for any other reason, by hand or by an upgrade, it does nothing. */
export async function shutDownGuests(settings: Settings, say: (line: string) => void): Promise<void> {
  const run = createRunner()
  const systemctl = { file: 'systemctl', args: ['is-system-running'], timeoutMs: 20_000 }
  const stopping = existsSync('/run/systemd/system') && (await run.outcome(systemctl)).stdout.trim() === 'stopping'
  if (!stopping) return say('this host is not shutting down: guests run on')
  const kept = await findKept(keptFileOf(settings))
  if (!kept) return say('this host has no farm')
  const alone = await endDaemon(settings)
  const runtime = runtimeDrivers.lxc(run, {
    lxcPath: settings.lxcPath,
    cgroup: `${settings.cgroup}.${kept.host.number}`,
  })
  const known = kept.guests.map(({ number, name, spec }) => ({ number, name, order: spec.order }))
  await stopAll({ runtime, known, limitMs, say, monotonicMs: () => performance.now(), sleep })
  alone?.close()
}

/** systemd has stopped its own before; one that was started by hand ends here. */
async function endDaemon({ stateDir }: Settings): Promise<Alone | undefined> {
  for (const signal of [...Array<NodeJS.Signals>(100).fill('SIGTERM'), 'SIGKILL', 'SIGKILL'] as const) {
    const alone = tryAlone(stateDir)
    if (alone) return alone
    signalDaemon(stateDir, signal)
    await sleep(lookMs)
  }
  return undefined
}

function signalDaemon(stateDir: string, signal: NodeJS.Signals): void {
  try {
    const pid = Number(readFileSync(join(stateDir, 'daemon.pid'), 'utf8'))
    if (pid > 1) process.kill(pid, signal)
  } catch {
    // It has ended meanwhile, or has not said yet who it is: the next look tells.
  }
}

export interface Shutdown {
  readonly runtime: Pick<Runtime, 'list' | 'observe' | 'askToStop' | 'unfreeze' | 'kill'>
  readonly known: readonly Leaving[]
  readonly limitMs: number
  readonly say: (line: string) => void
  readonly monotonicMs: () => number
  readonly sleep: (ms: number) => Promise<unknown>
}

/** Each group has its share of the time that is left: one that hangs takes none from those after it. */
export async function stopAll(shutdown: Shutdown): Promise<void> {
  const { runtime, known, monotonicMs, say } = shutdown
  const until = monotonicMs() + shutdown.limitMs
  const live = (await runtime.list()).filter(({ state }) => state !== 'stopped')
  const groups = planShutdown(
    live.map(({ number }) => number),
    known,
  )
  for (const [index, group] of groups.entries()) {
    const patienceMs = (until - monotonicMs()) / (groups.length - index)
    const ends = group.map((guest) =>
      stopOne(shutdown, guest, patienceMs).catch((thrown) => `does not stop: ${String(thrown)}`),
    )
    for (const [at, end] of (await Promise.all(ends)).entries()) say(`${group[at]?.name}: ${end}`)
  }
}

/** An init that was busy misses what it is asked, so it is asked again. */
async function stopOne(shutdown: Shutdown, { number }: Leaving, patienceMs: number): Promise<string> {
  const { runtime, monotonicMs } = shutdown
  const begun = monotonicMs()
  let askedAt = Number.NEGATIVE_INFINITY
  for (;;) {
    const seen = await runtime.observe(number)
    const now = monotonicMs()
    if (seen === undefined || seen.state === 'stopped') return 'stopped'
    if (now - begun >= patienceMs) {
      await runtime.kill(number)
      return `killed, for it did not stop in ${Math.round(patienceMs / 1000)} s`
    }
    if (now - askedAt >= askAgainMs) {
      if (seen.state === 'frozen') await runtime.unfreeze(number)
      await runtime.askToStop(number)
      askedAt = now
    }
    await shutdown.sleep(lookMs)
  }
}
