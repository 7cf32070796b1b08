/** How this host reaches the others, and the key that it does it with. */
import { CroftError } from '../../../api/errors.ts'
import { getFarm, type WholeDaemon } from '../../daemon.ts'
import { findingsOfIdle } from '../../records/network-hosts.ts'
import { assertRoot } from '../access.ts'
import type { Handlers } from '../handler.ts'

export const handlers = {
  async checkNetwork(daemon, { params }) {
    const { mesh, vlans } = getMesh(daemon, params.host)
    const networks = await vlans.check()
    return [...(await mesh.check()), ...networks, ...(await findingsOfIdle(daemon, networks))]
  },

  async rotateMeshKey(daemon, { params, query, caller }) {
    assertRoot(caller, 'keys between the hosts are changed', 'croft network rotate-key')
    const { mesh, elsewhere } = getMesh(daemon, params.host)
    if (!elsewhere.several())
      throw new CroftError('REFUSED', 'the farm has one host: it has no key to the others', { hint: 'croft host ls' })
    if (query.dryRun)
      return { operation: null, result: null, steps: [{ what: params.host, step: 'rotate', detail: 'its key' }] }
    const publicKey = await mesh.rotateKey()
    if (publicKey !== '') return { operation: null, result: { publicKey } }
    throw new CroftError('REFUSED', 'nothing between the hosts is sealed: there is no key', {
      hint: 'croft farm set mesh=wireguard',
    })
  },
} satisfies Partial<Handlers>

function getMesh(daemon: WholeDaemon, host: string) {
  const { parts } = getFarm(daemon)
  if (parts.host.name === host) return parts
  throw new CroftError('NOT_FOUND', `no host "${host}"`, { hint: 'croft host ls' })
}
