/** What the store holds of the farm's dealings with an ACME server. */
import { createHash } from 'node:crypto'
import type { SetState } from '../../../plan/acme.ts'
import type { Store } from '../../../store/store.ts'
import { nearRanges } from '../../near.ts'
import { keys } from '../../records/keys.ts'
import { type FarmRecord, type HostRecord, read, readAll } from '../../records/records.ts'

export interface AccountRecord {
  readonly schema: number
  readonly directory: string
  /** Sealed, for the record's key. */
  readonly key: string
  /** As the server knows it; absent until it was met. */
  readonly url?: string
  readonly caaIdentities: readonly string[]
}

export type SetRecord = SetState & { readonly schema: number; readonly name: string }

/** Something that is shown to the ACME server for a moment. */
export interface TokenRecord {
  readonly token: string
  readonly answer: string
  readonly at: string
  /** A TXT record of this name, instead of an answer by http. */
  readonly dns?: string
}

export const accountKey = (directory: string): string =>
  keys.acmeAccount(createHash('sha256').update(directory).digest('hex').slice(0, 16))

export interface AcmeSettings {
  readonly directory: string
  readonly email?: string
  readonly resolvers: readonly string[]
  /** Where names must point; empty: to the host's own. */
  readonly addresses: readonly string[]
  /** Where the directory may not lead; nowhere is forbidden when root named one on the host itself. */
  readonly forbids: readonly string[]
}

const directories: Readonly<Record<string, string>> = {
  production: 'https://acme-v02.api.letsencrypt.org/directory',
  staging: 'https://acme-staging-v02.api.letsencrypt.org/directory',
}

/** Undefined: nobody agreed to the terms of an ACME server. */
export async function findSettings(store: Store): Promise<AcmeSettings | undefined> {
  const farm = await read<FarmRecord>(store, keys.farm)
  if (!farm) return undefined
  const hosts = await readAll<HostRecord>(store, keys.hosts)
  return settingsFrom(
    farm.value,
    hosts.map(({ value }) => value),
  )
}

function settingsFrom(farm: FarmRecord, hosts: readonly HostRecord[]): AcmeSettings | undefined {
  const { edge = {} } = farm
  if (edge.acmeAgreed !== true) return undefined
  const directory = edge.acmeDirectory ?? 'production'
  return {
    directory: directories[directory] ?? directory,
    ...(edge.acmeEmail ? { email: edge.acmeEmail } : {}),
    resolvers: edge.resolvers ?? [],
    addresses: edge.addresses ?? [],
    forbids: edge.acmeNear ? [] : nearRanges({ ...farm, hosts }),
  }
}
