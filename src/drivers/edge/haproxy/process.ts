/** HAProxy's master as a process: found, started, given new files, ended. */
import { readdir, readFile, rm, truncate } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { CroftError, toCroftError } from '../../../api/errors.ts'
import type { Command, Runner } from '../../exec/command.ts'
import { startDetached } from '../../exec/detached.ts'
import { lastLines } from '../../exec/runner.ts'
import { readText } from './files.ts'
import { type Layout, mapFiles } from './layout.ts'
import { type Processes, parseMark, parseProcesses } from './parse.ts'
import { talkTo } from './socket.ts'

export interface Master {
  /** Undefined when it does not run. */
  find(): Promise<Processes | undefined>
  /** Which files the serving worker has read or was told; undefined when it cannot be asked. */
  mark(): Promise<string | undefined>
  /** Returns when a worker serves by these files; throws FAILED with the reason when none comes. */
  start(mark: string): Promise<void>
  reload(mark: string): Promise<void>
  stop(): Promise<void>
}

export interface MasterOptions {
  readonly run: Runner
  readonly layout: Layout
  /** A systemd that knows script/croft-edge.service runs it. */
  readonly unit: boolean
}

const patienceMs = 30_000
const lookEveryMs = 20
const mostMissed = 100
const mostWaited = 100
/** A word that came while it became itself again may be lost. */
const againAfterLooks = 300
export const masterCommand = ({ config, pidFile, socket }: Layout): Command => ({
  file: 'haproxy',
  args: ['-W', '-f', config, '-p', pidFile, '-S', `${socket},mode,600`],
  timeoutMs: 0,
})

export const checkCommand = (config: string): Command => ({
  file: 'haproxy',
  args: ['-c', '-f', config],
  timeoutMs: 60_000,
})

const unitCommand = (verb: 'start' | 'stop' | 'reset-failed'): Command => ({
  file: 'systemctl',
  args: [verb, 'croft-edge.service'],
  timeoutMs: 60_000,
})

export function createMaster({ run, layout, unit }: MasterOptions): Master {
  const talk = talkTo(layout.socket)

  async function find(): Promise<Processes | undefined> {
    const pid = Number(await readText(layout.pidFile))
    if (!Number.isInteger(pid) || pid < 2 || !(await isOurs(pid))) return undefined
    const found = await talk.say('show proc').then(parseProcesses, () => undefined)
    return found ?? { master: pid, workers: [], old: [] }
  }

  async function mark(): Promise<string | undefined> {
    const answer = talk.say(`@1 get map ${layout.folder}/${mapFiles.mark} mark`)
    return answer.then(parseMark, () => undefined)
  }

  async function start(wanted: string): Promise<void> {
    await endAll('SIGKILL')
    await truncate(layout.messages).catch(() => {})
    let ended: () => string | undefined = () => undefined
    if (unit) {
      await run.outcome(unitCommand('reset-failed'))
      await run.run(unitCommand('start')).catch(async (thrown) => {
        throw failed('does not start', (await readText(layout.messages)) || toCroftError(thrown).message)
      })
    } else ({ ended } = startDetached(masterCommand(layout), { stdout: layout.pipe, stderr: layout.messages }))
    await until(async () => {
      const end = ended()
      if (end !== undefined) throw failed('does not start', (await readText(layout.messages)) || end)
      return (await mark()) === wanted
    })
  }

  async function reload(wanted: string): Promise<void> {
    const from = (await readText(layout.messages))?.length ?? 0
    let [looks, missed, waited] = [0, 0, 0]
    const old = (await find())?.workers[0]
    await talk.say('reload')
    await until(async () => {
      const now = await find()
      const isNew = now?.workers[0] !== undefined && now.workers[0] !== old
      const said = (await readText(layout.messages))?.slice(from) ?? ''
      // Until the old one says that it has stopped it may take connections still.
      const isAlone =
        old === undefined || !now?.old.includes(old) || (said.includes(`(${old}) : `) && /stopped/.test(said))
      if (isNew && (await mark()) === wanted) return isAlone || ++waited > mostWaited
      // It becomes another program and itself again: for a moment it is nobody.
      missed = now === undefined || /\[ALERT\]/.test(said) ? missed + 1 : 0
      // The last of its words when it fails; what it said before is whole then.
      if (/Loading failure/.test(said) || missed > mostMissed) throw failed('does not take over', said)
      if (++looks % againAfterLooks === 0) await talk.say('reload').catch(() => {})
      return false
    })
  }

  async function until(isSo: () => Promise<boolean>): Promise<void> {
    const end = performance.now() + patienceMs
    while (!(await isSo())) {
      if (performance.now() > end) throw failed('does not answer', '')
      await sleep(lookEveryMs)
    }
  }

  async function stop(): Promise<void> {
    if (unit) await run.run(unitCommand('stop'))
    await endAll('SIGTERM')
    for (const file of [layout.pidFile, layout.socket]) await rm(file, { force: true })
  }

  /** Master and workers that bear our configuration on their command line, and nobody else. */
  async function endAll(first: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const end = performance.now() + 5_000
    for (let pids = await ours(); pids.length > 0; pids = await ours()) {
      for (const pid of pids) killQuietly(pid, performance.now() > end ? 'SIGKILL' : first)
      await sleep(lookEveryMs)
    }
  }

  async function ours(): Promise<number[]> {
    const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number)
    const is = await Promise.all(pids.map(isOurs))
    return pids.filter((_, index) => is[index])
  }

  async function isOurs(pid: number): Promise<boolean> {
    const words = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0')
    return /(^|\/)haproxy$/.test(words[0] ?? '') && words.includes(layout.config)
  }

  return { find, mark, start, reload, stop }
}

function failed(what: string, why: string): CroftError {
  return new CroftError('FAILED', `the edge ${what}\n${reasonIn(why) || lastLines(why, 3)}`.trim(), {
    hint: 'croft doctor',
    cause: new Error(why),
  })
}

/** Lines that say what is wrong, without the paths and dates around them. */
export function reasonIn(text: string): string {
  const lines = text
    .split('\n')
    .filter((line) => /ALERT|error|cannot/i.test(line) && !/Fatal errors|Exiting/.test(line))
  return lastLines(
    lines.map((line) => line.replace(/^\[\w+\]\s*\([\d]+\)\s*:\s*/, '').replace(/\[\/\S+:(\d+)\] for /, '')).join('\n'),
    5,
  )
}

function killQuietly(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // It ended by itself meanwhile.
  }
}
