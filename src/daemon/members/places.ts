/** Where members are, and the words between them and the records of hosts. */
import { isIPv6 } from 'node:net'
import { join } from 'node:path'
import { parseListen } from '../../api/values.ts'
import type { Runner } from '../../drivers/exec/command.ts'
import type { Member } from '../../drivers/member/driver.ts'
import { memberDrivers } from '../../drivers/member/table.ts'
import { storePorts } from '../../plan/host-doors.ts'
import type { HostRecord } from '../records/records.ts'
import type { Settings } from '../settings.ts'

export const ownMember = (run: Runner, { stateDir }: Pick<Settings, 'stateDir'>): Member =>
  memberDrivers.etcd({ run, folder: join(stateDir, 'etcd') })

export interface MemberPlace {
  readonly clientUrl: string
  readonly peerUrl: string
}

/** Where a host's member listens: at the address that the host tells others. */
export function placeOf({ address }: Pick<HostRecord, 'address'>): MemberPlace | undefined {
  const found = parseListen(address ?? '')?.host
  if (found === undefined) return undefined
  const host = isIPv6(found) ? `[${found}]` : found
  return { clientUrl: `https://${host}:${storePorts.client}`, peerUrl: `https://${host}:${storePorts.peer}` }
}
