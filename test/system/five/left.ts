/** What tests of several hosts leave behind once their guests are gone. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestHost, TestHosts } from '../hosts.ts'

/** By host, before anything was done. */
export type Empty = ReadonlyMap<TestHost, readonly string[]>

export const emptyOf = async (hosts: TestHosts): Promise<Empty> =>
  new Map(await Promise.all(hosts.all.map(async (host) => [host, await host.machine()] as const)))

/** Releases and what builds keep stay: they are no guest's. */
const kept = /\/(templates|volumes)\//

export function leavesNothing(
  what: string,
  { ash, all }: TestHosts,
  empty: Empty,
  lost: () => readonly string[],
): void {
  test(`nothing is left of ${what}`, async () => {
    await ash.removeGuests()
    for (const host of all.filter(({ hostName }) => !lost().includes(hostName))) {
      const left = await host.leftovers(empty.get(host) ?? [], 30_000, () => host.machine())
      assert.deepEqual(
        left.filter((line) => !kept.test(line)),
        [],
        `left over on ${host.hostName}`,
      )
    }
  })
}
