/** Hosts go out of the farm: by themselves and empty, or because they will not come back. */
import { CroftError } from '../../../api/errors.ts'
import { type Daemon, getFarm } from '../../daemon.ts'
import { timestamp } from '../../env.ts'
import { assertRevision, type Change, commit } from '../../records/change.ts'
import { type KnownHost, readHosts } from '../../records/host-views.ts'
import { keys } from '../../records/keys.ts'
import type { HostRecord } from '../../records/records.ts'
import { assertRoot } from '../access.ts'
import type { Handlers } from '../handler.ts'

export const handlers = {
  async leaveFarm(daemon, { params, query, caller }) {
    assertRoot(caller, 'a farm is left', 'croft host leave')
    const { host } = getFarm(daemon).parts
    if (params.host !== host.name) throw unknown(params.host)
    const { value, revision } = (await getKnown(daemon, host.name)).host
    assertRevision(query, revision, `host ${value.name}`)
    await assertEmpty(daemon, value)
    if (query.dryRun) {
      const { listReplicaViews } = await import('../../replicas/views.ts')
      const here = (await listReplicaViews(daemon)).filter((replica) => replica.host === host.name)
      const goes = here.map(({ guest, from }) => ({
        ...{ what: guest, step: 'removeReplica', detail: `its replica here; it lies on ${from} itself` },
      }))
      const leave = { what: host.name, step: 'leave', detail: 'the farm' }
      return { operation: null, result: null, steps: [...goes, leave] }
    }
    const joining = await daemon.joining()
    await joining.leave(caller.name, query.reason)
    return { operation: null, result: null }
  },

  async declareDead(daemon, { params, query, caller }) {
    assertRoot(caller, 'hosts are declared dead', `croft host declare-dead ${params.host}`)
    const name = params.host
    const decide = async (): Promise<Change> => {
      const { host, alive } = await getKnown(daemon, name)
      assertRevision(query, host.revision, `host ${name}`)
      if (alive)
        throw new CroftError('REFUSED', `host ${name} is alive: its daemon speaks with the store`, {
          hint: `on ${name}: croft host leave`,
        })
      const after: HostRecord = { ...host.value, dead: host.value.dead ?? timestamp(daemon.env) }
      return {
        ...{
          kind: 'host',
          name,
          verb: 'declare-dead',
          before: { dead: host.value.dead ?? null },
          after: { dead: after.dead },
        },
        compare: [
          { key: host.key, revision: host.revision },
          // It comes back in this very moment: then it is not dead.
          { key: keys.alive(name), revision: 0 },
        ],
        writes: host.value.dead === undefined ? [{ put: host.key, value: after }] : [],
      }
    }
    const { before, after } = await decide()
    if (query.dryRun)
      return { operation: null, result: null, steps: [{ what: name, step: 'declare dead', detail: 'for good' }] }
    await commit(daemon, caller, query, decide)
    return { operation: null, result: { host: name, before, after } }
  },
} satisfies Partial<Handlers>

/** What it runs, and what only it has. */
async function assertEmpty({ store }: Daemon, { name }: HostRecord): Promise<void> {
  for (const [what, prefix] of [
    ['guests', keys.guests(name)],
    ['lasting data of sites', keys.volumes(name)],
  ] as const) {
    const { entries } = await store.list(prefix, { limit: 1 })
    if (entries.length === 0) continue
    throw new CroftError('IN_USE', `host ${name} has ${what}`, {
      hint: what === 'guests' ? `croft host drain ${name} --move` : 'croft site ls',
    })
  }
}

async function getKnown(daemon: Daemon, name: string): Promise<KnownHost> {
  const known = (await readHosts(daemon)).find(({ host }) => host.value.name === name)
  if (known) return known
  throw unknown(name)
}

const unknown = (name: string): CroftError =>
  new CroftError('NOT_FOUND', `no host "${name}"`, { hint: 'croft host ls' })
