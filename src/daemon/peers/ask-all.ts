/** What each other host says of itself now, for lists: asked once and side by side, and not waited for. */
import { type Daemon, getFarm } from '../daemon.ts'
import type { Caller } from '../http/access.ts'
import { readJson } from './read-answer.ts'

/** A host that must look first has as long by itself, and its answer is on its way then. */
const deadlineMs = 400
/** Lists, of thousands. */
const mostBytes = 8 * 1024 ** 2

/** By the name of the host. Those that do not answer in time are left out, and so is everybody when it is a host that asks. */
export async function askOthers<T>(daemon: Daemon, caller: Caller, path: string): Promise<ReadonlyMap<string, T>> {
  const { others } = getFarm(daemon)
  if (!others || caller.role === 'host' || caller.via !== undefined) return new Map()
  const asked = others.hosts().filter(({ name, dead }) => name !== others.own && dead === undefined)
  const told = await Promise.all(
    asked.map(async ({ name }): Promise<readonly [string, T][]> => {
      if (!others.isAlive(name)) return []
      try {
        const signal = AbortSignal.timeout(deadlineMs)
        const { status, body } = await others.peers.request(name, { method: 'GET', path, signal, deadlineMs })
        if (status === 200) return [[name, (await readJson(name, body, { mostBytes })) as T]]
        body.destroy()
      } catch {}
      return []
    }),
  )
  return new Map(told.flat())
}

/** Whether the caller means this host alone: another one asks, which puts together what all say. */
export const isForAll = ({ role }: Caller): boolean => role !== 'host'
