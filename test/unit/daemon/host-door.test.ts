/** The door of a host that has invited: it stays where others know it, and is free again when nobody does. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isCode } from '../../../src/api/errors.ts'
import { followDoor } from '../../../src/daemon/http/follow-door.ts'
import { moveDoor } from '../../../src/daemon/records/host-door.ts'
import type { InvitationRecord } from '../../../src/daemon/records/invitations.ts'
import { keys } from '../../../src/daemon/records/keys.ts'
import type { FarmRecord, HostRecord } from '../../../src/daemon/records/records.ts'
import { createMemoryStore } from '../../../src/store/memory/index.ts'

const now = Date.parse('2026-11-22T02:00:00Z')
const at = (minutes: number): string => new Date(now + minutes * 60_000).toISOString()
const host = (name: string, more: Partial<HostRecord> = {}): HostRecord => ({
  ...{ schema: 1, name, number: 1, uidBase: 0x70000000, address: '198.51.100.1:8443' },
  ...more,
})
const invitation = (more: Partial<InvitationRecord>): InvitationRecord => ({
  ...{ schema: 1, id: 'a', hash: 'x', created: at(-60), by: 'root', expires: at(-1) },
  ...more,
})

async function asked(hosts: readonly HostRecord[], invitations: readonly InvitationRecord[] = []) {
  const store = createMemoryStore({ now: () => now, id: 'door' })
  await store.transact(
    [],
    [
      ...hosts.map((value) => ({ put: keys.host(value.name), value })),
      ...invitations.map((value) => ({ put: keys.invite(value.id), value })),
    ],
  )
  return { store, own: 'ash', now }
}

test('a host alone that nobody was sent to moves its door, and its address goes with that', async () => {
  const gone = host('birch', { dead: at(-9) })
  for (const given of [
    await asked([host('ash')]),
    await asked([host('ash')], [invitation({})]),
    await asked(
      [host('ash'), gone],
      [invitation({ bound: { key: 'k', host: 'cedar', at: at(-30) }, joined: 'cedar', joinedAt: at(-29) })],
    ),
  ])
    for (const listen of [':9443', '198.51.100.1:8443', undefined]) {
      const { address, compare, writes } = await moveDoor(given, listen)
      assert.equal(address, undefined)
      assert.deepEqual(compare, [{ key: 'hosts/ash', revision: 1 }])
      const { address: _, ...rest } = host('ash')
      assert.deepEqual(writes, [{ put: 'hosts/ash', value: rest }])
    }
  const never = await moveDoor(await asked([{ ...host('ash'), address: undefined } as never]), ':9443')
  assert.deepEqual(never, { address: undefined, compare: [], writes: [] })
})

test('while another host, or who holds an invitation, knows it, the port stays', async () => {
  const bound = { key: 'k', host: 'birch', at: at(-30) }
  for (const [given, who] of [
    [await asked([host('ash'), host('birch')]), /the other hosts reach this one at 198\.51\.100\.1:8443/],
    [
      await asked([host('ash')], [invitation({ expires: at(9) })]),
      /an invitation, good until .*02:09.*, names this one/,
    ],
    [await asked([host('ash')], [invitation({ bound })]), /an invitation, good until .*11-23T01:30/],
  ] as const) {
    await assert.rejects(moveDoor(given, ':9443'), (thrown) => isCode(thrown, 'REFUSED') && who.test(String(thrown)))
    for (const listen of [':8443', undefined])
      assert.deepEqual(await moveDoor(given, listen), { address: '198.51.100.1:8443', compare: [], writes: [] })
  }
})

test('what another host is told of the farm’s door this one does without a restart', () => {
  const went: (string | undefined)[] = []
  const outside = { listen: async (to: string | undefined) => void went.push(to) }
  let tell = () => {}
  const known: { farm: Partial<FarmRecord> | undefined; host: HostRecord | undefined } = { farm: {}, host: host('ash') }
  followDoor(
    {
      own: 'ash',
      farm: () => known.farm as FarmRecord,
      find: () => known.host,
      onChange: (told) => {
        tell = told
      },
    },
    outside,
    { warn: assert.fail } as never,
  )
  for (const listen of [':8443', ':9443', undefined]) {
    known.farm = listen === undefined ? {} : { listen }
    tell()
  }
  known.farm = undefined
  tell()
  assert.deepEqual(went, [':8443', '198.51.100.1:8443', '198.51.100.1:8443'])
})
