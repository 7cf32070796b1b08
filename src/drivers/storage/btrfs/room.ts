/** Room on the pool, and what is said when there is none. */
import { CroftError } from '../../../api/errors.ts'
import type { Runner } from '../../exec/command.ts'
import type { PoolSpec, PoolState } from '../driver.ts'
import * as commands from './commands.ts'

/** A guest that starts writes at once: with less than this it would come up broken. */
const leastBytes = 32 * 1024 ** 2

/** btrfs makes snapshots in a full pool too; nobody could use them. Without room, what was deleted is freed at once. */
export async function assertRoom(run: Runner, pool: PoolSpec, state: () => Promise<PoolState>): Promise<void> {
  if (hasRoom(await state())) return
  await run.outcome(commands.commit(pool.mountPoint))
  const now = await state()
  if (hasRoom(now)) return
  const left = Math.floor((now.freeBytes ?? 0) / 1024 ** 2)
  throw new CroftError('POOL_FULL', `the pool "${pool.name}" has ${left} MiB left: too little for another disk`, {
    hint: 'croft top --sort -disk',
  })
}

/** What others send may grow past what it was said to be: looked at again and again while it comes. */
export async function* whileRoom(
  source: AsyncIterable<Buffer>,
  look: (camePast: number) => Promise<void>,
): AsyncGenerator<Buffer> {
  let unseen = 0
  for await (const chunk of source) {
    unseen += chunk.length
    if (unseen >= lookEachBytes) {
      await look(unseen)
      unseen = 0
    }
    yield chunk
  }
}

/**
 * A pool with less free than this share takes nothing that comes from elsewhere: guests that are there need it. What is in
 * the page cache yet counts as free there: so all that came since the last commit is taken off, and when that is too much, one is made.
 */
export function createSpare(run: Runner, pool: PoolSpec, state: () => Promise<PoolState>) {
  let uncounted = 0
  const isSpare = async () => {
    const { freeBytes, totalBytes } = await state()
    return freeBytes === null || totalBytes === null || freeBytes - uncounted >= totalBytes * leastFreeShare
  }
  return async (came: number): Promise<void> => {
    uncounted += came
    if (await isSpare()) return
    await run.outcome(commands.commit(pool.mountPoint))
    uncounted = 0
    if (!(await isSpare())) throw nearlyFull(pool)
  }
}

const nearlyFull = (pool: PoolSpec): CroftError =>
  new CroftError('POOL_FULL', `the pool "${pool.name}" is nearly full: no disk of another pool comes here`, {
    hint: 'croft top --sort -disk',
  })

const leastFreeShare = 0.05
const lookEachBytes = 64 * 1024 ** 2

const hasRoom = ({ freeBytes }: PoolState): boolean => freeBytes === null || freeBytes >= leastBytes

export async function tellingFull<Result>(pool: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code !== 'ENOSPC' && code !== 'EDQUOT') throw cause
    throw new CroftError('POOL_FULL', `the pool "${pool}" has no room left`, { hint: 'croft top --sort -disk', cause })
  }
}
