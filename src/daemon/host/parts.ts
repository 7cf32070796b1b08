/** What the host's loop works with: built and joined in start.ts alone. */
import type { Edge } from '../../drivers/edge/driver.ts'
import type { Firewall } from '../../drivers/firewall/driver.ts'
import type { Images } from '../../drivers/image/driver.ts'
import type { Names } from '../../drivers/names/driver.ts'
import type { Network } from '../../drivers/network/driver.ts'
import type { Runtime } from '../../drivers/runtime/driver.ts'
import type { Storage } from '../../drivers/storage/driver.ts'
import type { TemplateBuilder } from '../../drivers/template/driver.ts'
import type { Store } from '../../store/store.ts'
import type { Certificates } from '../certificates/certificates.ts'
import type { Knock } from '../edge/knock.ts'
import type { Env } from '../env.ts'
import type { AskHealth } from '../farm/health.ts'
import type { Elsewhere } from '../mesh/elsewhere.ts'
import type { HostMesh } from '../mesh/mesh.ts'
import type { Operations } from '../operations/operations.ts'
import type { Peers } from '../peers/peers.ts'
import type { HashPassword } from '../pki/passwords.ts'
import type { Seal } from '../pki/seal.ts'
import type { FarmRecord, HostRecord } from '../records/records.ts'
import type { Uploads } from '../uploads/uploads.ts'
import type { HostVlans } from '../vlans/vlans.ts'
import type { Arrivals } from './arrivals.ts'
import type { Failpoint } from './failpoint.ts'
import type { Inside } from './inside.ts'
import type { Machine } from './machine.ts'
import type { Pace } from './pace.ts'
import type { Pools } from './pools.ts'

export interface Log {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

export interface HostParts {
  /** Whether an instance of a site is well. */
  readonly askHealth: AskHealth
  readonly env: Env
  readonly store: Store
  readonly host: HostRecord
  readonly farm: FarmRecord
  readonly runtime: Runtime
  /** Words of the farm's loops, in running guests. */
  readonly inside: Inside
  readonly storage: (pool: string) => Storage
  readonly pools: Pools
  /** Where this host says something of applications. */
  readonly sitesDir: string
  /** Processors and memory, as they are now. */
  readonly machine: () => Machine
  readonly network: Network
  /** What is known of the farm's other hosts, and the way to them. */
  readonly elsewhere: Elsewhere
  readonly mesh: HostMesh
  /** Networks of the site. */
  readonly vlans: HostVlans
  readonly firewall: Firewall
  readonly names: Names
  /** Absent while the host works by its kept plan, which knows no routes: the edge is left alone. */
  readonly edge?: Edge
  /** Then all that is done for it: it is started by its files when nothing else brings it back. */
  readonly keptEdge?: Pick<Edge, 'revive'>
  /** At a port of a guest. */
  readonly knock: Knock
  readonly certificates: Certificates
  readonly hashPassword: HashPassword
  /** What the store holds of secrets is sealed with this. */
  readonly seal: () => Promise<Seal>
  readonly builder: TemplateBuilder
  readonly images: Images
  readonly uploads: Uploads
  /** All disks on their way from here to other hosts take their turns by it. */
  readonly pace: Pace
  /** Of disks on their way here, what has come. */
  readonly arrivals: Arrivals
  readonly operations: Operations
  /** The way to the other hosts; absent where there are none. */
  readonly peers?: () => Pick<Peers, 'request'> | undefined
  /** Whether the plan that this host keeps for bad days starts this guest no more. */
  readonly keptQuiet?: (number: number) => Promise<boolean>
  readonly failpoint: Failpoint
  readonly log: Log
}
