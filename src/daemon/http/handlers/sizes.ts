/** Named sizes. What has one keeps the limits that it was given: a change is for those that are given it from then on. */

import { CroftError } from '../../../api/errors.ts'
import type { Size } from '../../../api/resources.ts'
import type { Daemon } from '../../daemon.ts'
import type { SiteConfigRecord } from '../../records/app-records.ts'
import { assertRevision, type Change, commit } from '../../records/change.ts'
import { differences } from '../../records/edge-settings.ts'
import { readFarmGuests } from '../../records/farm-guests.ts'
import { keys } from '../../records/keys.ts'
import { read, readAll, type SizeRecord, schemaVersion } from '../../records/records.ts'
import { getSize } from '../../records/sizes.ts'
import type { Handlers } from '../handler.ts'

export const handlers = {
  async listSizes(daemon): Promise<Size[]> {
    const sizes = await readAll<SizeRecord>(daemon.store, keys.sizes)
    return sizes.map(({ value }) => viewSize(value)).sort((a, b) => a.memoryBytes - b.memoryBytes)
  },

  async addSize(daemon, { body, query, caller }) {
    const { name, memory, cpu, disk, processes } = body
    const key = keys.size(name)
    const value = { schema: schemaVersion, name, memoryBytes: memory, cpus: cpu, diskBytes: disk, processes }
    const decide = async (): Promise<Change> => {
      if (await read(daemon.store, key))
        throw new CroftError('EXISTS', `there is a size "${name}"`, { hint: `croft size set ${name}` })
      const change = { kind: 'size', name, verb: 'add', before: null, after: viewSize(value) }
      return { ...change, compare: [{ key, revision: 0 }], writes: [{ put: key, value }] }
    }
    if (query.dryRun) return planned(await decide())
    await commit(daemon, caller, query, decide)
    return { operation: null, result: viewSize(value) }
  },

  async changeSize(daemon, { params: { size: name }, body, query, caller }) {
    const decide = async (): Promise<Change> => {
      const { key, revision, value } = await getSize(daemon, name)
      assertRevision(query, revision, `size ${name}`)
      const after: SizeRecord = {
        ...value,
        ...(body.memory === undefined ? {} : { memoryBytes: body.memory }),
        ...(body.cpu === undefined ? {} : { cpus: body.cpu }),
        ...(body.disk === undefined ? {} : { diskBytes: body.disk }),
        ...(body.processes === undefined ? {} : { processes: body.processes }),
      }
      const same = JSON.stringify(after) === JSON.stringify(value)
      return {
        ...{ kind: 'size', name, verb: 'set', before: viewSize(value), after: viewSize(after) },
        ...{ compare: [{ key, revision }], writes: same ? [] : [{ put: key, value: after }] },
      }
    }
    if (query.dryRun) return planned(await decide())
    await commit(daemon, caller, query, decide)
    return { operation: null, result: viewSize((await getSize(daemon, name)).value) }
  },

  async removeSize(daemon, { params: { size: name }, query, caller }) {
    const decide = async (): Promise<Change> => {
      const { key, revision, value } = await getSize(daemon, name)
      assertRevision(query, revision, `size ${name}`)
      const users = await usersOf(daemon, name)
      if (users.length > 0)
        throw new CroftError(
          'IN_USE',
          `${users.slice(0, 5).join(', ')} ${users.length === 1 ? 'has' : 'have'} size ${name}`,
          {
            hint: `croft size set ${name}`,
          },
        )
      const change = { kind: 'size', name, verb: 'rm', before: viewSize(value), after: null }
      return { ...change, compare: [{ key, revision }], writes: [{ delete: key }] }
    }
    if (query.dryRun) return planned(await decide())
    await commit(daemon, caller, query, decide)
    return { operation: null, result: null }
  },
} satisfies Partial<Handlers>

const viewSize = ({ schema: _, ...size }: SizeRecord): Size => size

/** Guests that were made by it, and sites that shall be. */
async function usersOf(daemon: Daemon, size: string): Promise<string[]> {
  const { store } = daemon
  const [guests, sites] = await Promise.all([
    readFarmGuests(store),
    readAll<SiteConfigRecord>(store, keys.siteConfig('')),
  ])
  return [
    ...guests.filter(({ value }) => value.spec.size === size).map(({ value }) => value.name),
    ...sites
      .filter(({ value }) => value.values['instances.size']?.value === size)
      .map(({ key }) => key.slice(keys.siteConfig('').length)),
  ]
}

const planned = ({ name, verb, before, after }: Change) => ({
  ...{ operation: null, result: null },
  steps:
    verb === 'set'
      ? differences(name, before as object, after as object)
      : [{ what: name, step: verb, detail: 'size' }],
})
