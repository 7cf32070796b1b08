/** A template that lies on every host of a farm of fakes. */
import { randomUUID } from 'node:crypto'
import type { ReleaseFacts } from '../../src/daemon/records/app-records.ts'
import { keys } from '../../src/daemon/records/keys.ts'
import { type HostsFarm, until } from './hosts-farm.ts'

export async function templateOnAll(farm: HostsFarm, ref: string, release?: ReleaseFacts): Promise<void> {
  const id = randomUUID()
  for (const { parts } of farm.hosts.values()) {
    const staging = { kind: 'staging', id } as const
    const storage = parts.storage('default')
    await storage.create(staging)
    await storage.clone(staging, { kind: 'template', id }, { readOnly: true })
    await storage.remove(staging)
  }
  const [host] = farm.hosts.keys()
  const value = {
    ...{ schema: 1, ref, id, host, created: '2026-01-01T00:00:00.000Z', source: { from: 'debian:12', packages: [] } },
    ...(release === undefined ? {} : { release }),
  }
  await farm.store.transact([], [{ put: keys.template(ref), value }])
  for (const name of farm.hosts.keys())
    await until(`${ref} is on ${name}`, async () => {
      return (await farm.store.get(keys.templateStatus(name, id))).entry !== undefined
    })
}
