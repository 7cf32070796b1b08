/**
 * Limits that limit nothing, because the host has less: allowed, for the guest may come to stand elsewhere, but said.
 * Pure. Only what the change itself names is judged.
 */
import type { GuestChange, Limits } from '../api/guest.ts'
import { roughSize } from './amount.ts'

export interface HostRoom {
  readonly cpus: number
  readonly memoryBytes: number
  /** Of the guest's pool; null when it cannot be told. */
  readonly poolBytes: number | null
}

export function limitWarnings(change: GuestChange, limits: Limits, host: HostRoom): string[] {
  const named = (word: 'cpu' | 'memory' | 'disk') => change[word] !== undefined || change.size !== undefined
  const { cpus, memoryBytes, diskBytes } = limits
  const warnings: string[] = []
  if (named('cpu') && cpus !== undefined && cpus > host.cpus)
    warnings.push(`cpu=${cpus} is more than the host has (${host.cpus})`)
  if (named('memory') && memoryBytes !== undefined && memoryBytes > host.memoryBytes)
    warnings.push(`memory=${roughSize(memoryBytes)} is more than the host has (${roughSize(host.memoryBytes)})`)
  if (named('disk') && diskBytes !== undefined && host.poolBytes !== null && diskBytes > host.poolBytes)
    warnings.push(`disk=${roughSize(diskBytes)} is more than the pool has (${roughSize(host.poolBytes)})`)
  return warnings
}
