/** Two hosts over one store, each with its keeper; packets are asked about. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemEnv } from '../../../src/daemon/env.ts'
import { createElsewhere, type Elsewhere } from '../../../src/daemon/mesh/elsewhere.ts'
import { createHostMesh, type HostMesh } from '../../../src/daemon/mesh/mesh.ts'
import { keys } from '../../../src/daemon/records/keys.ts'
import type { FarmRecord, GuestRecord, HostRecord } from '../../../src/daemon/records/records.ts'
import { createFakeMesh, type FakeMesh, type FakeWire, fakeWire } from '../../../src/drivers/mesh/fake/index.ts'
import { createFakeNetwork } from '../../../src/drivers/network/fake/index.ts'
import { createMemoryStore } from '../../../src/store/memory/index.ts'
import type { Store } from '../../../src/store/store.ts'

const farm: FarmRecord = {
  ...{ schema: 1, name: 'meadow', id: 'f', created: '', keys: [] },
  ...{ prefix4: '10.100.0.0/16', prefix6: 'fd12:3456:789a:1::/64' },
}
const log = { info() {}, warn() {}, error() {} }
const record = (name: string, number: number): HostRecord => ({ schema: 1, name, number, uidBase: 1 })
const guest = (number: number, host: string, more: object = {}) =>
  ({
    schema: 1,
    name: `g${number}`,
    number,
    host,
    id: `${number}`,
    generation: 1,
    spec: { run: 'running', ...more },
  }) as unknown as GuestRecord

interface Host {
  readonly name: string
  readonly driver: FakeMesh
  readonly mesh: HostMesh
  readonly elsewhere: Elsewhere
  readonly network: ReturnType<typeof createFakeNetwork>
  readonly driversMade: () => number
}

const newStore = () => createMemoryStore({ now: () => Date.now() })
const put = (store: Store, key: string, value: unknown) => store.transact([], [{ put: key, value }])

async function start(
  store: Store,
  wire: FakeWire,
  { name, number }: { name: string; number: number },
  signal: AbortSignal,
): Promise<Host> {
  const address = `192.0.2.${number}`
  const network = createFakeNetwork({ uplink: 'eth0', mtu: 1500, addresses: [address] })
  const driver = createFakeMesh({ wire, endpoint: `${address}:51820` })
  const host = record(name, number)
  const elsewhere = createElsewhere({ store, env: systemEnv, log, host })
  let made = 0
  const place = {
    left: () => false,
    driver: async () => {
      made++
      return driver
    },
  }
  const mesh = createHostMesh({ store, env: systemEnv, log, host, farm, network, elsewhere }, place)
  await elsewhere.begin(signal, ({ places }) => (places ? mesh.refreshSoon() : undefined))
  await mesh.refresh()
  return { name, driver, mesh, elsewhere, network, driversMade: () => made }
}

async function two() {
  const store = newStore()
  const ending = new AbortController()
  await put(store, keys.farm, farm)
  for (const [name, number] of [
    ['ash', 1],
    ['birch', 2],
  ] as const) {
    await put(store, keys.host(name), record(name, number))
    await put(store, keys.numbers(name), { schema: 1, blocks: [number - 1], next: 1, used: [], resting: [], slots: [] })
  }
  const wire = fakeWire()
  const ash = await start(store, wire, { name: 'ash', number: 1 }, ending.signal)
  const birch = await start(store, wire, { name: 'birch', number: 2 }, ending.signal)
  const end = async () => {
    ending.abort()
    for (const { mesh } of [ash, birch]) await mesh.close()
    await store.close()
  }
  return { store, ash, birch, [Symbol.asyncDispose]: end }
}

async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + 20_000
  while (!(await isSo())) {
    if (performance.now() > end) assert.fail(what)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

test('a host alone makes no mesh; when a second comes both tell how they are reached, and find each other', async () => {
  const store = newStore()
  const ending = new AbortController()
  await put(store, keys.farm, farm)
  await put(store, keys.host('ash'), record('ash', 1))
  const wire = fakeWire()
  const ash = await start(store, wire, { name: 'ash', number: 1 }, ending.signal)
  assert.equal(ash.driversMade(), 0)
  assert.equal(ash.mesh.packetSize(1500), 1500)
  assert.deepEqual(
    (await ash.mesh.check()).map(({ verdict }) => verdict),
    ['ok'],
  )
  await ash.mesh.ready(7)
  assert.equal(await ash.mesh.rotateKey(), '')
  assert.equal(ash.driversMade(), 0)
  await put(store, keys.host('birch'), { ...record('birch', 2), drained: true })
  const birch = await start(store, wire, { name: 'birch', number: 2 }, ending.signal)
  await until('they find each other', () => ash.driver.sends('10.15.0.1', '10.15.0.2'))
  await until('both ways', () => birch.driver.sends('10.15.0.2', '10.15.0.1'))
  assert.equal(ash.mesh.packetSize(1500), 1420)
  const { entry } = await store.get(keys.host('birch'))
  const own = entry?.value as HostRecord
  assert.deepEqual([own.mesh?.endpoint, own.drained], ['192.0.2.2:51820', true], 'nothing else of the record changed')
  ending.abort()
  for (const { mesh } of [ash, birch]) await mesh.close()
})

test('a guest is known on every host, by what others need of it; its way follows its record', async () => {
  await using farm = await two()
  const { store, ash, birch } = farm
  await put(
    store,
    keys.guest('birch', 300),
    guest(300, 'birch', { addresses: [{ address: '203.0.113.5' }], part: { kind: 'instance', site: 'shop/prod' } }),
  )
  await put(store, keys.guestStatus('birch', 300), { state: 'running' })
  await until('its status', () => ash.elsewhere.statusOf({ host: 'birch', number: 300 })?.state === 'running')
  const [known] = ash.elsewhere.guests()
  assert.deepEqual(
    { name: known?.name, addresses: known?.addresses, part: known?.part?.kind, deleting: known?.deleting },
    { name: 'g300', addresses: ['203.0.113.5'], part: 'instance', deleting: false },
  )
  assert.deepEqual(birch.elsewhere.guests(), [])
  await until('by its block', () => ash.driver.sends('10.15.0.1', '10.100.1.44'))
  await store.transact(
    [],
    [{ delete: keys.guest('birch', 300) }, { put: keys.guest('ash', 300), value: guest(300, 'ash') }],
  )
  await until('birch sends to ash', () => birch.driver.sends('10.100.1.7', '10.100.1.44'))
  await until('ash takes it for its own', () => ash.driver.wish?.refused.includes('10.100.1.44') === true)
  await until('gone from the list of others', () => ash.elsewhere.guests().length === 0)
})

test('a guest whose address answers from elsewhere is not started; one that is at home is not asked after', async () => {
  await using farm = await two()
  const { store, ash } = farm
  for (const number of [7, 300]) await put(store, keys.guest('ash', number), guest(number, 'ash'))
  for (const address of ['10.100.0.7', '10.100.1.44']) ash.driver.answering.add(address)
  await ash.mesh.ready(7)
  await assert.rejects(ash.mesh.ready(300), { code: 'REFUSED', message: /10\.100\.1\.44 answers from birch/ })
  assert.ok(ash.driver.wish?.refused.includes('10.100.1.44'), 'what was opened to ask is shut again')
  ash.driver.answering.clear()
  await ash.mesh.ready(300)
  ash.driver.answering.add('10.100.1.44')
  ash.network.addLink('croft300')
  await ash.mesh.ready(300)
})

test('a new key is told first and used then, and both hosts go on', async () => {
  await using farm = await two()
  const { ash, birch } = farm
  await until('they find each other', () => ash.driver.sends('10.15.0.1', '10.15.0.2'))
  const before = (await ash.driver.identity()).publicKey
  const next = await ash.mesh.rotateKey()
  assert.notEqual(next, before)
  assert.equal((await ash.driver.identity()).publicKey, next)
  await until(
    'with the new key',
    () => ash.driver.sends('10.15.0.1', '10.15.0.2') && birch.driver.sends('10.15.0.2', '10.15.0.1'),
  )
})

test('the check is green with evidence, and red when a host does not answer; a dead host is nobody', async () => {
  await using farm = await two()
  const { store, ash } = farm
  await until('peers', () => ash.driver.wish?.peers.length === 1)
  ash.driver.answering.add('10.15.0.2')
  const green = await ash.mesh.check()
  assert.deepEqual(
    green.map(({ check, verdict }) => `${check} ${verdict}`),
    ['mesh ok', 'mesh:birch ok'],
  )
  ash.driver.answering.clear()
  const [, red] = await ash.mesh.check()
  assert.equal(red?.verdict, 'red')
  assert.match(`${red?.evidence} ${red?.mend}`, /10\.15\.0\.2 does not answer.*192\.0\.2\.2:51820.*udp\/51820/)
  const { entry } = await store.get(keys.host('birch'))
  await put(store, keys.host('birch'), { ...(entry?.value as HostRecord), dead: '2026-01-01T00:00:00Z' })
  await until('no peer', () => ash.driver.wish?.peers.length === 0)
  assert.equal((await ash.mesh.check()).length, 1)
})

test('when the last other host has left, nothing is left of the mesh', async () => {
  await using farm = await two()
  const { store, ash, birch } = farm
  await until('peers', () => ash.driver.wish?.peers.length === 1)
  await birch.mesh.close()
  await store.transact([], [{ delete: keys.host('birch') }])
  await until('down', () => ash.driver.wish === undefined)
  assert.equal(ash.mesh.packetSize(1500), 1500)
})
