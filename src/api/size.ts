/** Named sizes: what an instance or a guest may use. */
import { z } from 'zod'
import { Cpus, DiskBytes, MemoryBytes, Processes } from './guest.ts'

export const SizeName = z.string().regex(/^[a-z][a-z0-9-]{0,30}$/, 'must be 1 to 31 of a-z, 0-9 and -')
const settings = { memory: MemoryBytes, cpu: Cpus, disk: DiskBytes, processes: Processes }
export const NewSize = z.strictObject({ name: SizeName, ...settings })
export type NewSize = z.input<typeof NewSize>
export const SizeChange = z.strictObject(settings).partial()
export type SizeChange = z.input<typeof SizeChange>

export interface Size {
  readonly name: string
  readonly memoryBytes: number
  readonly cpus: number
  readonly diskBytes: number
  readonly processes: number
}
