/** The mesh of this host, as its loop and its requests see it. While the farm has one host nothing of it is loaded, and nothing runs. */
import type { Finding } from '../../api/resources.ts'
import type { Mesh, MeshKind } from '../../drivers/mesh/driver.ts'
import type { HostParts } from '../host/parts.ts'
import type { MeshKeeper } from './keeper.ts'

export interface HostMesh {
  /** Returns when the kernel holds what the records say. Trouble is told of, and fails nothing else. */
  refresh(): Promise<void>
  refreshSoon(): void
  /** Before a guest starts: its routes are right here, and nobody else has its address. REFUSED when somebody answers. */
  ready(number: number): Promise<void>
  /** How large a guest's packets are. */
  packetSize(wireMtu: number): number
  /** With evidence, and what mends it. */
  check(): Promise<readonly Finding[]>
  /** The new public key. */
  rotateKey(): Promise<string>
  close(): Promise<void>
}

export interface MeshPlace {
  driver(kind: MeshKind): Promise<Mesh>
  /** A mesh was made here in an earlier life. */
  readonly left: () => boolean
}

export type MeshParts = Pick<HostParts, 'store' | 'env' | 'log' | 'host' | 'farm' | 'network' | 'elsewhere'>

const soonMs = 60

export function createHostMesh(parts: MeshParts, place: MeshPlace): HostMesh {
  let loading: Promise<MeshKeeper> | undefined
  let keeper: MeshKeeper | undefined
  let soon: Disposable | undefined
  let closed = false

  /** Undefined while there is nobody to reach. */
  async function begun(): Promise<MeshKeeper | undefined> {
    if (!keeper && !parts.elsewhere.several() && !place.left()) return undefined
    loading ??= import('./keeper.ts').then(({ createMeshKeeper }) => createMeshKeeper(parts, place))
    keeper = await loading
    return keeper
  }

  const refresh = async () => {
    if (!closed) await (await begun())?.refresh()
  }

  return {
    refresh,
    refreshSoon() {
      soon ??= parts.env.later(soonMs, () => {
        soon = undefined
        refresh()
      })
    },
    async ready(number) {
      if (parts.elsewhere.several()) await (await begun())?.ready(number)
    },
    packetSize: (wireMtu) => keeper?.packetSize(wireMtu) ?? wireMtu,
    async check() {
      const { checkMesh } = await import('./check.ts')
      return checkMesh(parts, await begun())
    },
    async rotateKey() {
      const found = await begun()
      if (!found) return ''
      return found.rotateKey()
    },
    async close() {
      closed = true
      soon?.[Symbol.dispose]()
      await (await loading)?.close()
    },
  }
}
