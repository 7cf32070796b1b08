/**
 * How much a disk may bring as a stream. What it holds is written by guests; how it is sent can be far more than that: holes
 * made since the parent go as zeros, and what lies in many places at once may go for each.
 */
import type { HostParts } from '../host/parts.ts'
import type { VolumeRecord } from '../records/app-records.ts'
import { keys } from '../records/keys.ts'
import type { MovedData } from '../records/moves.ts'
import { type GuestRecord, read, type TemplateStatus } from '../records/records.ts'

type Records = Pick<HostParts, 'store'>

/** Names, owners and times of files. */
const slackBytes = 256 * 1024 ** 2
/** What counts as written begins anew with each move, and what a guest compressed goes unpacked: a whole disk may be larger than its limit. */
const times = 4

/** Of a difference: what the guest can have written. A longer one goes as a whole disk. */
export const mostSince = (limit: number | undefined): number | undefined => limit && limit + slackBytes

/** Undefined where nobody knows: of a guest without a limit, or whose disk began as another's. Then it is what the pool can spare. */
export async function mostOfDisk({ store }: Records, { host, spec }: GuestRecord): Promise<number | undefined> {
  const { limits, root } = spec
  if (limits.diskBytes === undefined || root.from.kind !== 'template') return undefined
  const template = await read<TemplateStatus>(store, keys.templateStatus(host, root.from.id))
  const { sizeBytes } = template?.value ?? {}
  return sizeBytes === undefined ? undefined : sizeBytes + times * limits.diskBytes + slackBytes
}

export async function mostOfVolumes(records: Records, host: string, { volumes }: MovedData): Promise<number> {
  const sizes = await Promise.all(volumes.map(({ id }) => sizeOfVolume(records, host, id)))
  return sizes.reduce<number>((sum, size = 0) => sum + times * size, slackBytes)
}

export const sizeOfVolume = async ({ store }: Records, host: string, id: string): Promise<number | undefined> =>
  (await read<VolumeRecord>(store, keys.volume(host, id)))?.value.sizeBytes
