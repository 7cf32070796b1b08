/** A real etcd (docs/design/store.md). All that is known of it lies in its folder, so that any daemon goes on with it. */
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises'
import { request as plainRequest } from 'node:http'
import { request as secureRequest } from 'node:https'
import { setTimeout as sleep } from 'node:timers/promises'
import { CroftError, toCroftError } from '../../../api/errors.ts'
import type { Runner } from '../../exec/command.ts'
import { checkWish } from '../check.ts'
import type { Member, MemberState, MemberWish } from '../driver.ts'
import { type Layout, layoutOf, restoreCommand } from './commands.ts'
import { reasonIn } from './parse.ts'
import { createProcess } from './process.ts'

export interface EtcdMemberOptions {
  readonly run: Runner
  /** Its own, 0700. */
  readonly folder: string
  /** How long one that does not answer is waited for; it goes on without. */
  readonly patienceMs?: number
}

/** As it is written down. */
interface Kept {
  readonly wish: MemberWish
  /** SHA-256 of the CAs that it was started with. */
  readonly cas: string
  /** It had data: when that is gone, none is made in its place. */
  readonly begun: boolean
  /** The daemon that restores it: while that lives, nobody else finishes it. */
  readonly by?: number
}

const lookEveryMs = 100
const restoreMs = 60_000
const logBytes = 4 * 1024 ** 2

export function createEtcdMember({ run, folder, patienceMs = 10_000 }: EtcdMemberOptions): Member {
  const layout = layoutOf(folder)
  const member = createProcess(layout)
  let last: Promise<unknown> = Promise.resolve()
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const result = last.then(work, work)
    last = result.catch(() => {})
    return result
  }

  async function state(): Promise<MemberState> {
    const kept = await readKept(layout.wish)
    if (kept === undefined) return { is: 'none' }
    const pid = await member.find()
    if (pid !== undefined) return { is: 'running', pid, wish: kept.wish }
    return { is: 'stopped', wish: kept.wish, why: await lastWords() }
  }

  async function start(wish: MemberWish): Promise<'serves' | 'waits'> {
    checkWish(wish)
    await finishRestore()
    const kept = await readKept(layout.wish)
    const begun = kept?.begun ?? false
    const cas = await hashOf(wish.tls?.ca)
    const same = kept !== undefined && kept.cas === cas && runsAlike(kept.wish, wish)
    if (same && (await member.find()) !== undefined) return untilServes(wish)
    if (begun && !existsSync(layout.data))
      throw new CroftError('DATA_LOST', `the data of this host's member of the store is gone: ${layout.data}`, {
        hint: 'croft farm store',
      })
    await member.stop()
    await mkdir(folder, { recursive: true, mode: 0o700 })
    await write(layout.wish, JSON.stringify({ wish, cas, begun } satisfies Kept))
    await trimLog(layout)
    const from = await sizeOf(layout.log)
    await member.start(wish)
    const how = await untilServes(wish, from)
    if (!begun) await write(layout.wish, JSON.stringify({ wish, cas, begun: true } satisfies Kept))
    return how
  }

  async function untilServes(wish: MemberWish, logFrom = 0): Promise<'serves' | 'waits'> {
    const end = performance.now() + patienceMs
    // A process that was just made is not to be found for a moment.
    for (let missed = 0; performance.now() < end; await sleep(lookEveryMs)) {
      if (await answers(wish)) return 'serves'
      missed = (await member.find()) === undefined ? missed + 1 : 0
      if (missed > 5) throw failed(reasonIn((await textOf(layout.log)).slice(logFrom)))
    }
    return 'waits'
  }

  async function restore(file: string, wish: MemberWish): Promise<{ readonly keptAt: string }> {
    checkWish(wish)
    await finishRestore()
    const kept = await readKept(layout.wish)
    if (kept?.wish.token === wish.token)
      throw new CroftError('REFUSED', 'a store that is restored needs a token of its own')
    await mkdir(folder, { recursive: true, mode: 0o700 })
    await rm(layout.next, { recursive: true, force: true })
    await run.run(restoreCommand(layout, file, wish)).catch(async (thrown) => {
      await rm(layout.next, { recursive: true, force: true })
      const why = reasonIn(toCroftError(thrown).message)
      throw new CroftError('REFUSED', `${file} is no whole snapshot of the store: ${why}`, { cause: thrown })
    })
    const next: Kept = { wish, cas: await hashOf(wish.tls?.ca), begun: true, by: process.pid }
    await write(layout.nextWish, JSON.stringify(next))
    await takeNext(next)
    await start(wish)
    return { keptAt: layout.before }
  }

  /** What a daemon that died was at; one that lives is waited for. */
  async function finishRestore(): Promise<void> {
    const end = performance.now() + restoreMs
    for (let next = await readKept(layout.nextWish); next; next = await readKept(layout.nextWish)) {
      if (next.by !== process.pid || performance.now() > end) return takeNext(next)
      await sleep(lookEveryMs)
    }
  }

  /** Begins with the wish for it, and ends by taking that away. */
  async function takeNext(next: Kept): Promise<void> {
    await member.stop()
    if (existsSync(layout.next)) {
      if (existsSync(layout.data)) {
        await rm(layout.before, { recursive: true, force: true })
        await rename(layout.data, layout.before)
      }
      await rename(layout.next, layout.data)
    }
    const { by: _, ...kept } = next
    await write(layout.wish, JSON.stringify(kept))
    await rm(layout.nextWish)
  }

  const lastWords = async (): Promise<string> => reasonIn(await textOf(layout.log))

  return {
    state: () => inTurn(state),
    start: (wish) => inTurn(() => start(wish)),
    resume: () =>
      inTurn(async () => {
        const kept = (await readKept(layout.nextWish)) ?? (await readKept(layout.wish))
        return kept && start(kept.wish)
      }),
    stop: () => inTurn(member.stop),
    erase: () =>
      inTurn(async () => {
        await member.stop()
        // The wish last: who is killed here goes on here.
        for (const path of [layout.nextWish, layout.next, layout.data, layout.before, layout.log])
          await rm(path, { recursive: true, force: true })
        await rm(layout.wish, { force: true })
      }),
    restore: (file, wish) => inTurn(() => restore(file, wish)),
  }
}

/** Who the first members were, and what it is called, matters at its beginning alone. */
const runsAlike = (left: MemberWish, right: MemberWish): boolean =>
  JSON.stringify(lasting(left)) === JSON.stringify(lasting(right))
const lasting = ({ name, clientUrl, peerUrl, tls }: MemberWish) => [name, clientUrl, peerUrl, tls]

async function readKept(file: string): Promise<Kept | undefined> {
  const text = await readFile(file, 'utf8').catch((thrown: NodeJS.ErrnoException) => {
    if (thrown.code === 'ENOENT') return undefined
    throw thrown
  })
  return text === undefined ? undefined : (JSON.parse(text) as Kept)
}

const hashOf = async (file: string | undefined): Promise<string> =>
  file === undefined
    ? ''
    : createHash('sha256')
        .update(await readFile(file))
        .digest('hex')

const textOf = (file: string): Promise<string> => readFile(file, 'utf8').catch(() => '')
const sizeOf = async (file: string): Promise<number> => (await stat(file).catch(() => undefined))?.size ?? 0

async function trimLog({ log }: Layout): Promise<void> {
  if ((await sizeOf(log)) > logBytes) await rename(log, `${log}.1`)
}

/** The old one or the new one, whole. */
async function write(file: string, text: string): Promise<void> {
  const handle = await open(`${file}.new`, 'w', 0o600)
  try {
    await handle.writeFile(text)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(`${file}.new`, file)
}

/** Any answer counts: whether it has a majority is for others to ask. */
async function answers({ clientUrl, tls }: MemberWish): Promise<boolean> {
  const url = new URL('/health', clientUrl)
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const shown = tls && {
    ...{ ca: await readFile(tls.ca), cert: await readFile(tls.cert), key: await readFile(tls.key) },
  }
  const send = tls ? secureRequest : plainRequest
  const asked = send(url, { agent: false, timeout: 2000, ...shown }, (response) => {
    response.resume()
    resolve(true)
  })
  asked.on('timeout', () => asked.destroy()).on('error', () => resolve(false))
  asked.end()
  return promise
}

const failed = (why: string): CroftError =>
  new CroftError('FAILED', `this host's member of the store does not start\n${why}`.trim(), {
    hint: 'croft farm store',
  })
