/** Other container systems on this host. They may stay; their networks and ids must not be ours, which other themes see to. */
import type { Finding } from '../../api/resources.ts'
import { ok, type Theme, warn } from './finding.ts'
import type { Look } from './look.ts'

export interface Neighbour {
  readonly name: string
  /** Its links on this host. */
  readonly links: readonly string[]
}

interface Known {
  readonly name: string
  readonly folder: string
  readonly link: RegExp
}

const known: readonly Known[] = [
  { name: 'Incus', folder: '/var/lib/incus', link: /^incusbr\d+$/ },
  { name: 'LXD', folder: '/var/lib/lxd', link: /^lxdbr\d+$/ },
  { name: 'LXD (snap)', folder: '/var/snap/lxd', link: /^lxdbr\d+$/ },
  { name: 'Proxmox VE', folder: '/etc/pve', link: /^(vmbr\d+|fwbr\d+i\d+)$/ },
  { name: 'libvirt', folder: '/etc/libvirt', link: /^virbr\d+$/ },
  { name: 'Podman', folder: '/var/lib/containers', link: /^(podman|cni-podman)\d+$/ },
]

export const neighbours: Theme = {
  name: 'neighbours',
  examine: async (look) => judgeNeighbours(await readNeighbours(look)),
}

export function judgeNeighbours(found: readonly Neighbour[]): Finding[] {
  if (found.length === 0) return [ok('neighbours', 'no other container system is here')]
  return found.map(({ name, links }) => {
    const where = links.length > 0 ? ` with ${links.join(', ')}` : ''
    return name === 'Proxmox VE'
      ? warn(
          'neighbours',
          `${name} is here${where}: its firewall and upgrades do not know of croft`,
          'run croft in a virtual machine of it',
        )
      : ok('neighbours', `${name} is here${where}`)
  })
}

async function readNeighbours(look: Look): Promise<Neighbour[]> {
  const links = [...((await look.text('/proc/net/dev')) ?? '').matchAll(/^\s*([^\s:]+):/gm)].map(
    (match) => match[1] ?? '',
  )
  const found: Neighbour[] = []
  for (const { name, folder, link } of known) {
    if ((await look.names(folder)).length > 0) found.push({ name, links: links.filter((each) => link.test(each)) })
  }
  return found
}
