/** Which of the farm's hosts this one is. */
import { CroftError } from '../../api/errors.ts'
import type { Store } from '../../store/store.ts'
import { keys } from './keys.ts'
import { type HostRecord, readAll } from './records.ts'

/** A host that was renamed keeps its records: with one host in the store it is that one. One that was declared dead is none. */
export async function getOwnHost(store: Store, name: string): Promise<HostRecord> {
  const hosts = await readAll<HostRecord>(store, keys.hosts)
  const host = hosts.find(({ value }) => value.name === name) ?? (hosts.length === 1 ? hosts[0] : undefined)
  if (!host)
    throw new CroftError('NOT_FOUND', `the store knows no host "${name}"`, {
      hint: 'set CROFT_HOST to the name this host had',
    })
  if (host.value.dead === undefined) return host.value
  throw new CroftError('REFUSED', `this host was declared dead at ${host.value.dead}: the farm goes on without it`, {
    hint: 'on another host: croft host show, croft host invite',
  })
}
