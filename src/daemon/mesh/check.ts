/** What `croft network check` says: each host of the farm, by what was heard of it and by trying. */
import type { Finding } from '../../api/resources.ts'
import { meshAddressesOf } from '../../plan/addresses.ts'
import { ok, red, warn } from '../doctor/finding.ts'
import type { HostRecord } from '../records/records.ts'
import type { MeshKeeper } from './keeper.ts'
import type { MeshParts } from './mesh.ts'

export async function checkMesh(parts: MeshParts, keeper: MeshKeeper | undefined): Promise<readonly Finding[]> {
  const { elsewhere, host } = parts
  if (!keeper || !elsewhere.several()) return [ok('mesh', 'the farm has one host: there is nobody to reach')]
  await keeper.refresh()
  const wrong = keeper.trouble()
  const own = wrong === undefined ? ownFinding(keeper, host.name) : red('mesh', wrong, 'croft network check')
  const others = elsewhere.hosts().filter(({ name, dead }) => name !== host.name && dead === undefined)
  return [own, ...(await Promise.all(others.map((other) => checkHost(parts, keeper, other))))]
}

function ownFinding(keeper: MeshKeeper, name: string): Finding {
  const wish = keeper.wish()
  if (!wish) return red('mesh', `${name} is in no mesh`, 'croft host show')
  const routes = wish.peers.flatMap(({ networks }) => networks).length
  return ok('mesh', `${name} is ${wish.addresses[0]}, ${wish.peers.length} peers, ${routes} routes`)
}

async function checkHost({ farm }: MeshParts, keeper: MeshKeeper, other: HostRecord): Promise<Finding> {
  const check = `mesh:${other.name}`
  const peer = keeper.wish()?.peers.find(({ name }) => name === other.name)
  if (!peer) return warn(check, `${other.name} has not told how it is reached`, `on ${other.name}: croft doctor`)
  const [address] = meshAddressesOf(farm.prefix4, farm.prefix6, other.number)
  const answers = (await keeper.answers(address)) || (await keeper.answers(address))
  const fact = (await keeper.facts()).find(({ name }) => name === other.name)
  const evidence = [
    `${address} ${answers ? 'answers' : 'does not answer'}`,
    `at ${peer.endpoint}`,
    ...(peer.publicKey === '' ? [] : [`last handshake ${ago(fact?.provedMsAgo)}`]),
    ...(fact?.receivedBytes === undefined ? [] : [`received ${fact.receivedBytes} B, sent ${fact.sentBytes ?? 0} B`]),
  ].join(', ')
  if (answers) return ok(check, evidence)
  const port = peer.endpoint.slice(peer.endpoint.lastIndexOf(':') + 1)
  const mend = `is ${other.name} up? does a firewall between the hosts let udp/${port} through, both ways? on ${other.name}: croft network check`
  return red(check, evidence, mend)
}

const ago = (ms: number | undefined): string => (ms === undefined ? 'never' : `${Math.round(ms / 1000)} s ago`)
