import { createEtcdMember } from './etcd/index.ts'
import { createFakeMember } from './fake/index.ts'

/** Name → factory. The only place, with their own folders, where member drivers are named. */
export const memberDrivers = { etcd: createEtcdMember, fake: createFakeMember } as const
