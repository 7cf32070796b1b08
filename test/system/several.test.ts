/** A farm of two hosts, made once: what holds from any of them, on the way between them, and on a change of host. */
import { useHosts } from './hosts.ts'
import { carrying } from './several/carrying.ts'
import { draining } from './several/drain.ts'
import { mesh } from './several/mesh.ts'
import { moving } from './several/move.ts'
import { placement } from './several/placement.ts'
import { replicas } from './several/replicas.ts'
import { siteData } from './several/site-data.ts'
import { upgrading } from './several/upgrade.ts'

const hosts = await useHosts({ count: 2, joined: true })

placement(hosts)
upgrading(hosts)
carrying(hosts)
await mesh(hosts)
moving(hosts)
siteData(hosts)
replicas(hosts)
draining(hosts)
