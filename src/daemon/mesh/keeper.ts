/**
 * Keeps the mesh at what the records say. Many changes may ask at once: while one is under way the next ones gather and go
 * together. What this host is reached by it writes into its own record; from there the others take it.
 */
import { CroftError, isCode, toCroftError } from '../../api/errors.ts'
import type { Mesh, MeshKind, MeshWish, PeerFact } from '../../drivers/mesh/driver.ts'
import { blockSize, ipv4Of } from '../../plan/addresses.ts'
import { planMesh } from '../../plan/mesh.ts'
import { keys } from '../records/keys.ts'
import { type FarmRecord, type GuestRecord, type HostRecord, read, readAll } from '../records/records.ts'
import type { MeshParts, MeshPlace } from './mesh.ts'

export interface MeshKeeper {
  refresh(): Promise<void>
  ready(number: number): Promise<void>
  packetSize(wireMtu: number): number
  rotateKey(): Promise<string>
  /** What was told last; undefined when nothing stands. */
  wish(): MeshWish | undefined
  trouble(): string | undefined
  facts(): Promise<readonly PeerFact[]>
  answers(address: string): Promise<boolean>
  close(): Promise<void>
}

const times = 5

export function createMeshKeeper(parts: MeshParts, place: MeshPlace): MeshKeeper {
  const { store, log, host, elsewhere, network } = parts
  let mesh: Mesh | undefined
  let told: MeshWish | undefined
  let trouble: string | undefined
  let next: Promise<void> | undefined
  let running: Promise<void> = Promise.resolve()
  let closed = false

  async function bring(): Promise<void> {
    if (closed) return
    try {
      await reconcile()
      trouble = undefined
    } catch (thrown) {
      const { code, message } = toCroftError(thrown)
      trouble = message
      log.warn({ code }, `other hosts are not reached as they should be: ${message}`)
    }
  }

  async function reconcile(): Promise<void> {
    const kind = (await read<FarmRecord>(store, keys.farm))?.value.mesh ?? 'wireguard'
    const driver = await driverOf(kind)
    const own = elsewhere.hosts().find(({ name }) => name === host.name)
    if (!elsewhere.several() || own === undefined || own.dead !== undefined) return end(driver)
    const [{ publicKey, port }, wire] = [await driver.identity(own.mesh?.publicKey), await network.uplink()]
    const ip = addressIn(own.address) ?? wire.addresses[0]
    if (ip === undefined)
      throw new CroftError('FAILED', 'this host has no address that others could reach it by', { hint: 'ip route' })
    await publish({ kind, publicKey, endpoint: ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}` })
    const wish = await plan(kind, wire.mtu)
    if (!wish) return end(driver)
    const changes = await driver.reconcile(wish)
    told = wish
    if (changes.length > 0) log.info({ peers: wish.peers.length, changes: changes.length }, 'other hosts are reached')
  }

  async function plan(kind: MeshKind, wireMtu: number): Promise<MeshWish | undefined> {
    const here = await readAll<GuestRecord>(store, keys.guests(host.name))
    const guests = [...here.map(({ value }) => ({ number: value.number, host: host.name })), ...elsewhere.guests()]
    const hosts = elsewhere.hosts()
    return planMesh({ self: host.name, kind, wireMtu, farm: parts.farm, hosts, blocks: elsewhere.blocks(), guests })
  }

  /** Another kind takes the place of the one before. */
  async function driverOf(kind: MeshKind): Promise<Mesh> {
    if (mesh?.kind === kind) return mesh
    await mesh?.down()
    mesh = await place.driver(kind)
    return mesh
  }

  async function end(driver: Mesh): Promise<void> {
    await driver.down()
    told = undefined
  }

  async function publish(wanted: NonNullable<HostRecord['mesh']>): Promise<void> {
    for (let left = times; ; left--) {
      const held = await read<HostRecord>(store, keys.host(host.name))
      if (!held || same(held.value.mesh, wanted)) return
      try {
        const value: HostRecord = { ...held.value, mesh: wanted }
        await store.transact([{ key: held.key, revision: held.revision }], [{ put: held.key, value }])
        return
      } catch (thrown) {
        if (left === 0 || !isCode(thrown, 'CHANGED_MEANWHILE')) throw thrown
      }
    }
  }

  function refresh(): Promise<void> {
    next ??= running.then(() => {
      next = undefined
      running = bring()
      return running
    })
    return next
  }

  /** A guest away from its block: the host of the block would still have it, if it had not let it go. */
  async function assertFree(number: number): Promise<void> {
    const owner = elsewhere.blocks()[Math.floor(number / blockSize)]
    if (!mesh || !told || owner === undefined || owner === host.name) return
    const address = ipv4Of(parts.farm.prefix4, number)
    if ((await network.links()).some((link) => link.number === number)) return
    const wish = told
    await mesh.reconcile({ ...wish, refused: wish.refused.filter((network) => network !== address) })
    const answers = await mesh.answers(address)
    await mesh.reconcile(wish)
    if (!answers) return
    throw new CroftError('REFUSED', `${address} answers from ${owner}: the guest would run twice`, {
      hint: 'croft network check',
    })
  }

  return {
    refresh,
    async ready(number) {
      await refresh()
      // What cannot be looked at does not keep a guest down: its host decides alone while the others are away.
      const turn = running.then(() => assertFree(number))
      running = turn.catch(() => undefined)
      await turn.catch((thrown) => {
        if (isCode(thrown, 'REFUSED')) throw thrown
      })
    },
    packetSize: (wireMtu) => (told && mesh ? mesh.mtuOver(wireMtu) : wireMtu),
    async rotateKey() {
      await refresh()
      const own = (await read<HostRecord>(store, keys.host(host.name)))?.value.mesh
      if (!mesh || !own || own.kind === 'none') return ''
      const publicKey = await mesh.nextKey()
      // From here on the others know it; it is taken into use by whoever comes next, this daemon or another.
      await publish({ ...own, publicKey })
      await refresh()
      return publicKey
    },
    wish: () => told,
    trouble: () => trouble,
    facts: async () => (await mesh?.facts()) ?? [],
    answers: async (address) => (await mesh?.answers(address)) ?? false,
    async close() {
      closed = true
      await running
    },
  }
}

/** Of `IP:PORT`. */
const addressIn = (door: string | undefined): string | undefined => door?.replace(/:\d+$/, '').replace(/^\[|\]$/g, '')

const same = (a: HostRecord['mesh'], b: HostRecord['mesh']): boolean =>
  a?.kind === b?.kind && a?.publicKey === b?.publicKey && a?.endpoint === b?.endpoint
