/** What every mesh driver promises. Packets are sent by the world that three hosts stand in. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Mesh, MeshKind, MeshWish } from '../../src/drivers/mesh/driver.ts'
import { planMesh } from '../../src/plan/mesh.ts'

export type HostName = 'ash' | 'birch' | 'cedar'
export const hostNames = ['ash', 'birch', 'cedar'] as const
/** Each has one block; guest 7 is born on ash, 258 on birch, 514 on cedar. */
export const guests = { ash: 7, birch: 258, cedar: 514 } as const
export const farm = { prefix4: '10.100.0.0/16', prefix6: 'fd12:3456:789a:1::/64' }

export interface Way {
  readonly from: string
  readonly to: string
  readonly surely: boolean
}

export interface MeshWorld {
  readonly kind: MeshKind
  readonly wireMtu: number
  mesh(host: HostName): Mesh
  endpoint(host: HostName): string
  /** The guest with that number is there, with both addresses. */
  place(number: number, host: HostName): Promise<void>
  take(number: number, host: HostName): Promise<void>
  /** Whether a packet goes from one address to the other and back, within a moment; `surely`: it is waited for. */
  reaches(host: HostName, way: Way): Promise<boolean>
  /** As a foreign hand does: the link is gone, or its routes. */
  breakLink(host: HostName): Promise<void>
}

export const v4 = (number: number): string => `10.100.${number >> 8}.${number & 255}`
export const v6 = (number: number): string => `fd12:3456:789a:1::${number.toString(16)}`
const meshAddress = (host: HostName): string => `10.15.0.${hostNames.indexOf(host) + 1}`

export interface Story {
  readonly known?: readonly HostName[]
  /** Where guests live that moved. */
  readonly moved?: Readonly<Record<number, HostName>>
}

export async function wishOf(world: MeshWorld, self: HostName, { known = hostNames, moved = {} }: Story = {}) {
  const hosts = await Promise.all(
    known.map(async (name) => {
      const { publicKey } = await world.mesh(name).identity()
      const mesh = { kind: world.kind, publicKey, endpoint: world.endpoint(name) }
      return { name, number: hostNames.indexOf(name) + 1, mesh }
    }),
  )
  const lives = hostNames.map((name) => ({ number: guests[name], host: moved[guests[name]] ?? name }))
  const input = { self, kind: world.kind, wireMtu: world.wireMtu, farm, hosts, guests: lives }
  return planMesh({ ...input, blocks: { 0: 'ash', 1: 'birch', 2: 'cedar' } }) as MeshWish
}

export function meshContract(name: string, world: () => MeshWorld): void {
  const tell = async (story: Story = {}) => {
    for (const host of story.known ?? hostNames)
      await world()
        .mesh(host)
        .reconcile(await wishOf(world(), host, story))
  }
  const meet = async (host: HostName, from: string, to: string) =>
    assert.ok(await world().reaches(host, { from, to, surely: true }), `${from} reaches ${to}`)
  const miss = async (host: HostName, from: string, to: string) =>
    assert.ok(!(await world().reaches(host, { from, to, surely: false })), `${from} does not reach ${to}`)

  test(`${name}: a key is made once, and no two hosts have the same`, async () => {
    const ids = await Promise.all(hostNames.map((host) => world().mesh(host).identity()))
    assert.deepEqual(await Promise.all(hostNames.map((host) => world().mesh(host).identity())), ids)
    if (world().kind === 'wireguard') assert.equal(new Set(ids.map(({ publicKey }) => publicKey)).size, 3)
  })

  test(`${name}: guests of two hosts reach each other, and hosts too; told twice, nothing changes`, async () => {
    for (const host of hostNames) await world().place(guests[host], host)
    await tell()
    await meet('ash', v4(guests.ash), v4(guests.birch))
    await meet('ash', v6(guests.ash), v6(guests.birch))
    await meet('birch', v4(guests.birch), v4(guests.cedar))
    await meet('ash', meshAddress('ash'), v4(guests.cedar))
    await meet('ash', meshAddress('ash'), meshAddress('birch'))
    for (const host of hostNames)
      assert.deepEqual(
        await world()
          .mesh(host)
          .reconcile(await wishOf(world(), host)),
        [],
        host,
      )
  })

  test(`${name}: an address that nobody has leads nowhere`, async () => {
    await miss('ash', v4(guests.ash), v4(999))
    await miss('ash', v4(guests.ash), v4(guests.birch + 1))
  })

  test(`${name}: a guest that moves keeps its address, and comes back`, async () => {
    await world().take(guests.ash, 'ash')
    await tell({ moved: { [guests.ash]: 'birch' } })
    await world().place(guests.ash, 'birch')
    await meet('cedar', v4(guests.cedar), v4(guests.ash))
    await meet('birch', v6(guests.ash), v6(guests.cedar))
    await meet('ash', meshAddress('ash'), v4(guests.ash))
    await world().take(guests.ash, 'birch')
    await miss('birch', meshAddress('birch'), v4(guests.ash))
    await tell()
    await world().place(guests.ash, 'ash')
    await meet('cedar', v4(guests.cedar), v4(guests.ash))
  })

  test(`${name}: what a foreign hand took away comes back`, async () => {
    await tell()
    await world().breakLink('ash')
    await miss('ash', v4(guests.ash), v4(guests.birch))
    assert.notDeepEqual(
      await world()
        .mesh('ash')
        .reconcile(await wishOf(world(), 'ash')),
      [],
    )
    await meet('ash', v4(guests.ash), v4(guests.birch))
    await meet('birch', v4(guests.birch), v4(guests.ash))
  })

  test(`${name}: a host that is not of the farm is not heard, and reaches nobody`, async () => {
    const without = { known: ['ash', 'birch'] } as const
    await tell(without)
    await miss('ash', v4(guests.ash), v4(guests.cedar))
    if (world().kind === 'wireguard') await miss('cedar', v4(guests.cedar), v4(guests.ash))
    const names = (await world().mesh('ash').facts()).map((fact) => fact.name)
    assert.deepEqual(names, ['birch'])
    await tell()
    await meet('cedar', v4(guests.cedar), v4(guests.ash))
  })

  test(`${name}: a next key is used when the others know it, and not before`, async () => {
    if (world().kind !== 'wireguard') return assert.equal(await world().mesh('ash').nextKey(), '')
    const old = (await world().mesh('ash').identity()).publicKey
    const next = await world().mesh('ash').nextKey()
    assert.notEqual(next, old)
    assert.equal((await world().mesh('ash').identity(old)).publicKey, old)
    assert.equal((await world().mesh('ash').identity(next)).publicKey, next)
    await tell()
    await meet('birch', v4(guests.birch), v4(guests.ash))
    await meet('ash', v4(guests.ash), v4(guests.cedar))
  })

  test(`${name}: a malformed value changes nothing`, async () => {
    const good = await wishOf(world(), 'ash')
    const [peer] = good.peers
    assert.ok(peer)
    const other = world().kind === 'none' ? 'x' : 'short'
    for (const bad of [
      { ...good, number: 0 },
      { ...good, wireMtu: 20 },
      { ...good, addresses: ['10.15.0.1\n'] },
      { ...good, refused: ['everything'] },
      { ...good, peers: [{ ...peer, publicKey: other }] },
      { ...good, peers: [{ ...peer, endpoint: 'birch:51820' }] },
      { ...good, peers: [{ ...peer, endpoint: '192.0.2.1:51820\nPostUp = evil' }] },
      { ...good, peers: [{ ...peer, networks: ['0.0.0.0/0'] }] },
      { ...good, peers: [{ ...peer, networks: ['10.0.0.0/8'] }] },
      { ...good, peers: [{ ...peer, networks: ['10.100.1.0/24\n'] }] },
      { ...good, peers: [peer, { ...peer, name: 'twin', number: 9 }] },
    ])
      await assert.rejects(world().mesh('ash').reconcile(bad), { code: 'BAD_VALUE' }, JSON.stringify(bad).slice(0, 300))
    await meet('ash', v4(guests.ash), v4(guests.birch))
  })

  test(`${name}: down leaves nothing, and goes down twice`, async () => {
    await world().mesh('ash').down()
    await world().mesh('ash').down()
    await miss('ash', v4(guests.ash), v4(guests.birch))
    await world()
      .mesh('ash')
      .reconcile(await wishOf(world(), 'ash'))
    await meet('ash', v4(guests.ash), v4(guests.birch))
    for (const host of hostNames) await world().mesh(host).down()
  })
}
