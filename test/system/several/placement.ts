/** On real hosts: a guest goes where it fits, from any of them; what is promised and drained is said and held. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Guest } from '../../../src/api/guest.ts'
import type { Host } from '../../../src/api/host.ts'
import type { Explanation } from '../../../src/api/placement.ts'
import type { TestHosts } from '../hosts.ts'

export function placement(hosts: TestHosts): void {
  const { ash, birch } = hosts
  const hostOf = async (guest: string) => (await ash.json<Guest>('show', guest)).host

  async function heardOf(count: number): Promise<Host[]> {
    for (let left = 120; ; left--) {
      const all = await birch.json<Host[]>('host', 'ls')
      if (all.length === count && all.every(({ state, version }) => state !== 'away' && version !== null)) return all
      assert.ok(left > 0, JSON.stringify(all))
      await new Promise((go) => setTimeout(go, 500))
    }
  }

  test('named or chosen, a guest is put on its host, and why is told on any', async () => {
    await heardOf(2)
    // Its door opens a moment after it is heard of.
    await ash.waitFor(async () => (await ash.croft('host', 'plan', 'birch')).code === 0)
    await ash.croftOk('create', 'web1', 'debian:12', '--host', 'birch', 'memory=64M')
    assert.equal(await hostOf('web1'), 'birch')
    await birch.croftOk('create', 'web2', 'debian:12', 'memory=64M', 'label.near=web1')
    assert.equal(await hostOf('web2'), 'birch')
    const said = await ash.json<Explanation>('explain', 'web2')
    assert.equal(said.placed?.reasons.at(-1)?.why, 'near web1')
    assert.match(await ash.croftOk('explain', 'web2'), /because +birch: [\d.]+ points\n/)
    await ash.croftOk('host', 'drain', 'birch')
    await birch.croftOk('create', 'web3', 'debian:12', 'memory=64M')
    assert.equal(await hostOf('web3'), 'ash')
    const refused = await birch.croft('create', 'web4', 'debian:12', '--host', 'birch')
    assert.equal(refused.code, 4)
    assert.match(refused.stderr, /no host can take web4: birch: it is drained/)
    assert.match(await ash.croftOk('farm', 'balance', '--dry-run'), /web1 +birch +ash +birch cannot have it/)
    await birch.croftOk('host', 'undrain', 'birch')
  })

  test('what a host may promise holds on whichever it is asked', async () => {
    await ash.croftOk('host', 'drain', 'birch')
    const { memory } = (await heardOf(2)).find(({ name }) => name === 'ash') ?? assert.fail()
    const reserve = (memory.totalBytes ?? 0) - memory.promisedBytes - 128 * 1024 ** 2
    await birch.croftOk('host', 'set', 'ash', `reserve=${reserve}`, 'overcommit=1')
    await ash.croftOk('create', 'one', 'debian:12', 'memory=100M', '--no-start')
    const { code, stderr } = await birch.croft('create', 'two', 'debian:12', 'memory=100M')
    assert.equal(code, 4)
    assert.match(stderr, /ash: 100M of memory do not fit: 28M of [\d.]+M not promised; birch: it is drained/)
    await ash.croftOk('host', 'set', 'ash', 'reserve=none', 'overcommit=none')
    await ash.croftOk('host', 'undrain', 'birch')
  })
}
