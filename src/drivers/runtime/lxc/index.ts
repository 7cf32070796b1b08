/** LXC by its own tools and the kernel's files. One folder a guest under `lxcPath`, named by its number. */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { CroftError } from '../../../api/errors.ts'
import type { Counted, Limits } from '../../../api/guest.ts'
import type { Mount } from '../../../api/mount.ts'
import type { Runner } from '../../exec/command.ts'
import { checkDefinition, checkDisk } from '../check.ts'
import type { AttachOptions, Observed, Runtime } from '../driver.ts'
import { checkSource } from '../sources.ts'
import { createProfileLoader, hasAppArmor } from './apparmor.ts'
import { Cgroup, cgroupNumbers, parseCgroupMounts } from './cgroup.ts'
import { copyBusybox, stopSignalFile } from './command.ts'
import { attachCommand, consoleCommand, deleteLink, startCommand } from './commands.ts'
import { linkOf, lxcConfig } from './config.ts'
import { consoleTail, noteConsoleStart } from './console.ts'
import { diskCommand } from './disk.ts'
import { firstFiles } from './first.ts'
import { type Layout, type LxcOptions, layoutOf, seccompFile } from './layout.ts'
import {
  findMonitor,
  hasMonitor,
  killQuietly,
  liveNumbers,
  monitorGone,
  readUnixSockets,
  watchMonitor,
} from './monitor.ts'
import { mountsOf, readMounts, whyNotMounted, withMounts, writeMounts } from './mounts.ts'
import { lastErrors, nameWasTaken, parseNetDev, pulseIn } from './parse.ts'
import { plant } from './plant.ts'
import { seccompProfile } from './seccomp.ts'
import { lend } from './tls.ts'

const killWaitMs = 10_000
/** Part of every definition's hash: raise it when the way a config is written changes. */
const configVersion = 1

export function createLxc(run: Runner, options: LxcOptions): Runtime {
  const roots = parseCgroupMounts(readFileSync('/proc/self/mounts', 'utf8'))
  const abilities = { appArmor: hasAppArmor(), lxcfs: options.lxcfs }
  const loadProfile = createProfileLoader(run)
  const layout = (number: number) => layoutOf(options, number)
  const cgroup = (number: number) => new Cgroup(roots, layout(number).cgroup)
  const ours = (number: number) => hasMonitor(layout(number), options.lxcPath, number)
  const listening = () => liveNumbers(options.lxcPath, readUnixSockets())
  const isLive = (number: number) => listening().has(number) && ours(number)

  function assertLive(number: number): void {
    if (!isLive(number)) throw new CroftError('NOT_RUNNING', `guest ${number} does not run`)
  }

  function observed(number: number, live: boolean): Observed | undefined {
    const at = layout(number)
    const definition = readIfThere(at.definition)
    if (!live)
      return definition === undefined && !existsSync(at.folder)
        ? undefined
        : { number, state: 'stopped', ...(definition === undefined ? {} : { definition }) }
    const monitor = findMonitor(at)
    const state = monitor?.init === undefined ? 'starting' : cgroup(number).isFrozen() ? 'frozen' : 'running'
    return {
      number,
      state,
      ...(monitor?.init === undefined ? {} : { pid: monitor.init, startedAt: monitor.startedAt }),
      ...(definition === undefined ? {} : { definition }),
    }
  }

  const checkMount = (mount: Mount) => checkSource(mount, options.own ?? [])

  /** Two starts of one guest at once would both seem to succeed. */
  const starting = new Map<number, Promise<void>>()
  const sweep = (number: number) => cgroup(number).sweep((pid) => killQuietly(pid, 'SIGKILL'))

  async function kill(number: number): Promise<void> {
    const until = performance.now() + killWaitMs
    while (isLive(number)) {
      const monitor = findMonitor(layout(number))
      const gone = monitorGone(layout(number), 100)
      if (monitor?.init !== undefined) killQuietly(monitor.init, 'SIGKILL')
      if (cgroup(number).isFrozen()) cgroup(number).freeze(false)
      if (performance.now() > until) {
        if (monitor) killQuietly(monitor.pid, 'SIGKILL')
        await sweep(number)
        throw new CroftError('FAILED', `guest ${number} does not die`, { hint: 'croft op ls' })
      }
      await gone
    }
  }

  /** What a monitor left that died before its guest: LXC cannot start beside it, and it would be a second copy. */
  async function sweepAll(number: number): Promise<void> {
    const until = performance.now() + killWaitMs
    while (!(await sweep(number)) && performance.now() < until) await sleep(5)
  }

  /**
   * The kernel takes a dead guest's link away some time after its last process: until then the next start finds the
   * name taken. Deleted here, it is free at once.
   */
  async function afterFailure(number: number): Promise<void> {
    await kill(number)
    const link = linkOf(readIfThere(layout(number).config) ?? '')
    if (link !== undefined) await run.outcome(deleteLink(link))
  }

  async function start(number: number, signal?: AbortSignal): Promise<void> {
    if (isLive(number)) return
    const at = layout(number)
    if (!existsSync(at.config)) throw new CroftError('START_FAILED', `guest ${number} has no configuration`)
    const mounts = readMounts(at)
    await Promise.all([sweepAll(number), loadProfile(), ...mounts.filter(({ own }) => !own).map(checkMount)])
    const plain = startCommand(options, number, at)
    const command = mounts.length === 0 ? plain : withMounts(plain, at)
    const attempt = async () => {
      rmSync(at.log, { force: true })
      rmSync(at.pidFile, { force: true })
      noteConsoleStart(at)
      const outcome = await run.outcome(command, signal ? { signal } : {})
      if (outcome.code !== 0) await afterFailure(number)
      return outcome
    }
    let outcome = await attempt()
    if (outcome.code !== 0 && nameWasTaken(readIfThere(at.log) ?? '')) {
      await sweepAll(number)
      outcome = await attempt()
    }
    if (outcome.code === 0) return cgroup(number).passDiskRateOn()
    const why = outcome.timedOut
      ? 'its first steps hang (something in /bin, /etc or /root of the guest)'
      : (whyNotMounted(mounts, readIfThere(at.log)) ?? lastErrors(readIfThere(at.log) ?? outcome.stderr))
    throw new CroftError('START_FAILED', why)
  }

  /** Folders of ours in the cgroup tree whose guest has no monitor and no configuration. */
  async function tidy(): Promise<void> {
    const known = new Set([...listening(), ...foldersOf(options.lxcPath)])
    for (const number of cgroupNumbers(roots, options.cgroup)) if (!known.has(number)) await sweep(number)
  }

  return {
    name: 'lxc',

    async list() {
      const live = new Set([...listening()].filter(ours))
      const numbers = new Set([...live, ...foldersOf(options.lxcPath)])
      return [...numbers].sort((a, b) => a - b).flatMap((number) => observed(number, live.has(number)) ?? [])
    },

    async observe(number) {
      return observed(number, isLive(number))
    },

    hash(definition) {
      return createHash('sha256')
        .update(JSON.stringify([configVersion, definition, options.lxcfs]))
        .digest('hex')
    },

    async define(definition) {
      checkDefinition(definition)
      const at = layout(definition.number)
      const config = lxcConfig(definition, at, abilities)
      mkdirSync(at.folder, { recursive: true, mode: 0o711 })
      mkdirSync(at.first, { recursive: true, mode: 0o755 })
      writeSeccomp(options.lxcPath)
      for (const [name, file] of Object.entries(firstFiles(definition)))
        replace(join(at.first, name), file.text, file.mode)
      if (definition.command || mountsOf(definition).length > 0) copyBusybox(at.first)
      // The hash says which config this is: it goes first and comes last.
      rmSync(at.definition, { force: true })
      writeMounts(definition, at)
      replace(at.config, config, 0o600)
      replace(at.definition, this.hash(definition), 0o600)
    },

    checkMount,

    start(number, signal) {
      const begun = starting.get(number)
      if (begun) return begun
      const mine = start(number, signal).finally(() => starting.delete(number))
      starting.set(number, mine)
      return mine
    },

    async lend({ number, uidBase }, pair) {
      lend(layout(number), uidBase, pair)
    },

    async askToStop(number) {
      const init = findMonitor(layout(number))?.init
      if (init !== undefined) killQuietly(init, haltSignal(init, layout(number)))
    },

    kill,

    async freeze(number) {
      assertLive(number)
      cgroup(number).freeze(true)
    },

    async unfreeze(number) {
      assertLive(number)
      cgroup(number).freeze(false)
    },

    async setLimits(number: number, limits: Limits, disk?: string) {
      assertLive(number)
      cgroup(number).setLimits(limits, disk)
    },

    async usage(number): Promise<Counted | undefined> {
      const init = findMonitor(layout(number))?.init
      if (init === undefined) return undefined
      return { ...cgroup(number).usage(), ...parseNetDev(readIfThere(`/proc/${init}/net/dev`) ?? '') }
    },

    async pulse(number) {
      const init = findMonitor(layout(number))?.init
      return init === undefined ? undefined : pulseIn(readIfThere(`/proc/${init}/stat`) ?? '')
    },

    async remove(number) {
      if (isLive(number)) throw new CroftError('BUSY', `guest ${number} still runs`)
      rmSync(layout(number).folder, { recursive: true, force: true })
      rmSync(layout(number).lock, { force: true })
      // Nobody waits for it: the number rests, and tidy() takes what a crash leaves.
      sweep(number).catch(() => undefined)
    },

    tidy,

    attach: (number: number, attach: AttachOptions) => attachCommand(options.lxcPath, number, attach),

    console: (number) => consoleCommand(options.lxcPath, number),

    async onDisk(disk) {
      checkDisk(disk)
      writeSeccomp(options.lxcPath)
      return diskCommand(options, disk)
    },

    async plant(disk, files) {
      const tool = await this.onDisk(disk)
      await plant(run, tool, files)
    },

    consoleTail: (number, maxBytes, sinceStart = false) => consoleTail(layout(number), maxBytes, sinceStart),

    onExit: (number, callback) => watchMonitor(layout(number), callback),
  }
}

/** A command at what its image says, systemd at SIGRTMIN+3, other inits at SIGPWR. A guest that lies about its name harms its own shutdown. */
function haltSignal(init: number, { first }: Layout): number {
  const told = Number(readIfThere(join(first, stopSignalFile)))
  if (told > 0) return told
  return readIfThere(`/proc/${init}/comm`)?.trim() === 'systemd' ? 37 : 30
}

function foldersOf(lxcPath: string): number[] {
  return existsSync(lxcPath)
    ? readdirSync(lxcPath)
        .map(Number)
        .filter((number) => Number.isInteger(number) && number > 0)
    : []
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}

function writeSeccomp(lxcPath: string): void {
  const file = seccompFile(lxcPath)
  if (readIfThere(file) !== seccompProfile()) replace(file, seccompProfile(), 0o644)
}

function replace(file: string, text: string, mode: number): void {
  writeFileSync(`${file}.new`, text, { mode })
  renameSync(`${file}.new`, file)
}

export type { Layout }
