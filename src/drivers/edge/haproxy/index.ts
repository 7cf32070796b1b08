/** HAProxy as the edge: files first, then the least way to a process that serves by them (docs/design/edge.md). */
import { existsSync } from 'node:fs'
import { mkdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { CroftError, toCroftError } from '../../../api/errors.ts'
import type { Runner } from '../../exec/command.ts'
import { checkPem, checkWish } from '../check.ts'
import type { Edge, EdgeChange, EdgeState, EdgeWish, Missed } from '../driver.ts'
import { listensIn, without } from '../missed.ts'
import { isTaken, overlap, parseMissed } from './addresses.ts'
import { createCarrier } from './carrier.ts'
import { createCounted } from './counted.ts'
import { folders, putBack, readText, sweep, writeAll } from './files.ts'
import { certificateFile, layoutOf } from './layout.ts'
import { readLog, trimLogs } from './log.ts'
import { type Made, make, markOf, type Told } from './made.ts'
import { parseAnswering, parseCounters, parseOpen } from './parse.ts'
import { checkCommand, createMaster, reasonIn } from './process.ts'
import { tell } from './runtime.ts'
import { talkTo } from './socket.ts'
import { doWordsSuffice } from './words.ts'

export interface HaproxyOptions {
  readonly run: Runner
  readonly folder: string
  /** A systemd that knows script/croft-edge.service runs it; otherwise it is a process of its own. */
  readonly unit?: boolean
}

export function createHaproxy({ run, folder, unit = false }: HaproxyOptions): Edge {
  const layout = layoutOf(folder)
  const around = { layout, ipv6: existsSync('/proc/net/if_inet6'), user: 'haproxy' }
  const master = createMaster({ run, layout, unit })
  const carrier = createCarrier({ run, layout })
  const counted = createCounted(join(folder, 'counted.json'))
  const talk = talkTo(layout.socket)
  let last: Promise<unknown> = Promise.resolve()
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const result = last.then(work, work)
    last = result.catch(() => {})
    return result
  }

  let missed: readonly Missed[] = []

  async function serve(wish: EdgeWish): Promise<EdgeChange> {
    checkWish(wish)
    missed = await findTaken(wish)
    for (;;) {
      const rest = without(
        wish,
        missed.map(({ listen }) => listen),
      )
      if (missed.length > 0 && listensIn(rest).length === 0) await giveUp()
      try {
        const change = await bring(rest)
        await carrier.ensure()
        return change
      } catch (thrown) {
        const said = toCroftError(thrown).cause
        const more = said instanceof Error ? parseMissed(said.message, listensIn(rest), around) : []
        if (more.length === 0) throw thrown
        missed = [...missed, ...more]
      }
    }
  }

  async function giveUp(): Promise<never> {
    await stop()
    throw new CroftError('FAILED', `the edge has no address: ${missed.map(({ listen, why }) => `${listen}: ${why}`)}`, {
      hint: 'croft doctor',
    })
  }

  /**
   * Looked for before workers are made in vain. What the process hears already is its own; of what overlaps with that only
   * new workers can tell, and they told the last time.
   */
  async function findTaken(wish: EdgeWish): Promise<Missed[]> {
    const told = await readTold()
    if (!told?.listens || markOf(told) !== (await master.mark())) return []
    const others = listensIn(wish).filter((listen) => !told.listens.includes(listen))
    const isOurs = (listen: string) => told.listens.some((each) => overlap(each, listen))
    const known = missed.filter(({ listen }) => others.includes(listen) && isOurs(listen))
    const tried = await Promise.all(others.filter((each) => !isOurs(each)).map((each) => isTaken(each, around)))
    return [...known, ...tried.filter((each) => each !== undefined)]
  }

  async function bring(wish: EdgeWish): Promise<EdgeChange> {
    await trimLogs(layout)
    await carrier.prepare()
    const made = make(wish, around)
    const before = await readTold()
    checkPems(wish, made.told, before)
    const running = (await master.find()) !== undefined
    const mark = running ? await master.mark() : undefined
    if (mark !== undefined && mark === made.mark && before && markOf(before) === mark) return 'none'
    const byWords = mark !== undefined && before && markOf(before) === mark && doWordsSuffice(before, made.told)
    if (!byWords) await tryOut(wish)
    await mkdir(layout.jail, { recursive: true, mode: 0o755 })
    const was = await writeAll(folder, filesOf(made))
    try {
      if (byWords && (await bySaying(before, made))) return 'runtime'
      if (running) await keepCounted(wish)
      await (running ? master.reload(made.mark) : master.start(made.mark))
    } catch (thrown) {
      await putBack(folder, was)
      if (running && mark !== undefined) await master.reload(mark).catch(() => {})
      throw thrown
    }
    await sweep(folder, made.files)
    return running ? 'reload' : 'start'
  }

  /** What one daemon said half and died, or a worker does not take, new workers read from the files. */
  const bySaying = (before: Told, made: Made): Promise<boolean> =>
    tell(talk, layout, { before, made }).then(
      () => true,
      () => false,
    )

  /** What was made is told first, the mark that the process reads last: who dies between leaves them different. */
  const filesOf = (made: Made): Map<string, string> =>
    new Map([['made.json', JSON.stringify(made.told)], ['haproxy.cfg', made.config], ...made.files])

  async function readTold(): Promise<Told | undefined> {
    const text = await readText(layout.made)
    try {
      return text === undefined ? undefined : (JSON.parse(text) as Told)
    } catch {
      return undefined
    }
  }

  function checkPems(wish: EdgeWish, told: Told, before: Told | undefined): void {
    const known = new Set(before?.certificates.map(({ file, hash }) => `${file} ${hash}`))
    for (const [index, certificate] of wish.certificates.entries()) {
      const { hash = '' } = told.certificates[index] ?? {}
      if (!known.has(`${join(folder, certificateFile(certificate.name))} ${hash}`)) checkPem(certificate)
    }
  }

  /** In a folder beside: what HAProxy does not take never becomes a file that it would start by. */
  async function tryOut(wish: EdgeWish): Promise<void> {
    const aside = layoutOf(join(folder, 'try'))
    try {
      const made = make(wish, { ...around, layout: aside })
      await mkdir(aside.jail, { recursive: true })
      await writeAll(aside.folder, filesOf(made), { durable: false })
      const { code, stdout, stderr } = await run.outcome(checkCommand(aside.config))
      if (code === 0) return
      const reason = reasonIn(`${stdout}\n${stderr}`).replaceAll(`${aside.folder}/`, '')
      throw new CroftError('FAILED', `the edge does not take this configuration\n${reason}`)
    } finally {
      await rm(aside.folder, { recursive: true, force: true })
    }
  }

  const countNow = async () => parseCounters(await talk.say('@1 show stat'))

  /** Figures alone: without them the new workers come as well. */
  async function keepCounted({ sites, streams }: EdgeWish): Promise<void> {
    const ids = new Set([...sites, ...streams].map(({ id }) => id))
    await countNow()
      .then((now) => counted.keep(now, ids))
      .catch(() => {})
  }

  async function revive(): Promise<boolean> {
    const told = await readTold()
    if (!told || !existsSync(layout.config) || (await master.find()) !== undefined) return false
    await carrier.prepare()
    await master.start(markOf(told))
    await carrier.ensure()
    return true
  }

  /** The access log stays: what was answered is asked for afterwards. */
  async function stop(): Promise<void> {
    await master.stop()
    await carrier.stop()
    for (const name of [...folders, 'jail', 'made.json', 'counted.json', 'haproxy.cfg', 'access.pipe'])
      await rm(join(folder, name), { recursive: true, force: true })
  }

  async function state(): Promise<EdgeState> {
    const found = await master.find()
    if (!found) return { running: false, workers: 0, memoryBytes: null, listens: [] }
    const pids = [found.master, ...found.workers, ...found.old]
    const resident = await Promise.all(pids.map(residentBytes))
    return {
      running: found.workers.length > 0,
      workers: found.workers.length + found.old.length,
      memoryBytes: resident.reduce((sum, bytes) => sum + bytes, 0),
      listens: (await readTold())?.listens ?? [],
    }
  }

  async function open(server: string): Promise<number> {
    const found = await master.find()
    if (!found) return 0
    const pids = [...found.workers, ...found.old]
    if (pids.length === 0) throw new CroftError('FAILED', 'the edge tells no workers', { hint: 'croft doctor' })
    const said = await Promise.all(pids.map((pid) => saidBy(pid, 'show servers conn')))
    return said.reduce((sum, text) => sum + parseOpen(text, server), 0)
  }

  /** One that ended meanwhile says nothing, and has nothing. */
  async function saidBy(pid: number, words: string): Promise<string> {
    const said = await talk.say(`@!${pid} ${words}`).catch(() => '')
    if (said !== '' || !existsSync(`/proc/${pid}`)) return said
    throw new CroftError('FAILED', `the edge's worker ${pid} does not answer`, { hint: 'croft doctor' })
  }

  return {
    name: 'haproxy',
    serve: (wish) => inTurn(() => serve(wish)),
    missed: async () => missed,
    state,
    counters: async () => ((await master.find()) === undefined ? new Map() : counted.with(await countNow())),
    open,
    answering: async () =>
      (await master.find()) === undefined ? new Map() : parseAnswering(await talk.say('@1 show servers state')),
    assertTakes: (certificate) =>
      inTurn(async () => {
        const nothing = { http: [], sites: [], streams: [], tokens: [], operators: [], near: [] }
        const wish = { ...nothing, https: [':443'], certificates: [certificate] }
        checkWish(wish)
        checkPem(certificate)
        await tryOut(wish)
      }),
    readLog: (wanted) => readLog(layout, wanted),
    revive: () => inTurn(revive),
    stop: () => inTurn(stop),
  }
}

async function residentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024
}
