/** The members of the farm's etcd, as its hosts tell of them, and as processes. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { StoreView } from '../../../src/api/store.ts'
import type { TestHost } from '../hosts.ts'

export const storeOf = (host: TestHost): Promise<StoreView> => host.json<StoreView>('farm', 'store')
export const votingIn = ({ members }: StoreView): string[] =>
  members.filter(({ state }) => state === 'leads' || state === 'follows').map((member) => member.host)

export async function untilStore(host: TestHost, what: string, is: (store: StoreView) => boolean): Promise<StoreView> {
  let last: unknown
  for (const end = Date.now() + 120_000; Date.now() < end; await sleep(500)) {
    const seen = await storeOf(host).catch((thrown: unknown) => {
      last = thrown
      return undefined
    })
    if (seen && is(seen)) return seen
    last = seen ?? last
  }
  return assert.fail(`${what} did not come: ${JSON.stringify(last)}\n${host.logTail(12)}`)
}

export const vote =
  (count: number) =>
  (store: StoreView): boolean =>
    votingIn(store).length === count

/** The one process that works in this host's folder. */
export function memberOf(host: TestHost): number {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  const found = pids.find((pid) => argumentsOf(pid).includes(join(host.stateDir, 'etcd', 'data')))
  return Number(found ?? assert.fail(`${host.hostName} runs no member`))
}

function argumentsOf(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
  } catch {
    return []
  }
}
