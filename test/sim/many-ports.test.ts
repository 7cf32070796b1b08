/** What a guest reserves fits into the transactions that give and take it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { keys } from '../../src/daemon/records/keys.ts'
import { type GuestRecord, read, readAll } from '../../src/daemon/records/records.ts'
import { SimFarm } from './farm.ts'

const web = { params: { guest: 'web' } }
const ports = (count: number) => Array.from({ length: count }, (_, at) => ({ hostPort: 8000 + at, guestPort: 80 }))

test('a guest has so many ports and addresses and no more, whichever way they are asked for', async () => {
  const farm = await new SimFarm().open()
  await farm.ask('createGuest', { body: { name: 'web', template: 'debian:12', ports: ports(65) } })
  assert.equal(await farm.stateOf('web'), 'gone')
  await farm.ask('createGuest', { body: { name: 'web', template: 'debian:12', ports: ports(63) } })
  await farm.ask('addAddress', { ...web, body: { address: '203.0.113.7' } })
  await farm.ask('addPort', { ...web, body: { hostPort: 9000, guestPort: 80 } })
  await farm.ask('addAddress', { ...web, body: { address: '203.0.113.8' } })
  const refused = farm.lines.filter((line) => line.includes('LIMIT_REACHED: a guest has at most 64 published ports'))
  assert.equal(refused.length, 3)
  await farm.ask('deleteGuest', web)
  await farm.pass(3)
  assert.equal(await farm.stateOf('web'), 'gone')
  assert.deepEqual(await readAll(farm.store, 'ports/'), [])
})

test('one that had more before there was a limit can be changed, and removed; what is another’s by now stays', async () => {
  const farm = await new SimFarm().open()
  await farm.ask('createGuest', { body: { name: 'web', template: 'debian:12' } })
  await farm.pass(3)
  const record = await read<GuestRecord>(farm.store, keys.guest('ash', 1))
  assert.ok(record)
  const many = ports(150).map((port) => ({ protocol: 'tcp', ...port }) as const)
  await farm.store.transact(
    [],
    [{ put: record.key, value: { ...record.value, spec: { ...record.value.spec, ports: many } } }],
  )
  for (const { hostPort } of many) {
    const number = hostPort === 8003 ? 2 : 1
    await farm.store.transact([], [{ put: keys.port('ash', 'tcp', hostPort), value: { number } }])
  }
  await farm.ask('removePort', { ...web, body: { hostPort: 8149 } })
  await farm.pass(3)
  assert.equal((await read<GuestRecord>(farm.store, record.key))?.value.spec.ports.length, 149)
  await farm.ask('deleteGuest', web)
  await farm.pass(3)
  assert.equal(await farm.stateOf('web'), 'gone')
  assert.deepEqual(
    (await readAll(farm.store, 'ports/')).map(({ key }) => key),
    [keys.port('ash', 'tcp', 8003)],
  )
})
