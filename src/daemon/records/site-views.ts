/** Sites as the API shows them: composed from what is wished, who answers, and what is seen of the guests. */
import type { Guest } from '../../api/guest.ts'
import type { Instance, Rollout, Site } from '../../api/site.ts'
import { instanceState, siteState } from '../../plan/site-state.ts'
import type { Daemon } from '../daemon.ts'
import type {
  Member,
  MembersRecord,
  RolloutRecord,
  SiteConfigRecord,
  SiteExitsRecord,
  SiteRecord,
} from './app-records.ts'
import { listGuestViews } from './guests.ts'
import { keys } from './keys.ts'
import { type Held, read, readAll } from './records.ts'
import { getSite, siteNameOf } from './sites.ts'

/** All that is known of one site. */
interface Known {
  readonly record: Held<SiteRecord>
  readonly config: SiteConfigRecord | undefined
  readonly members: MembersRecord | undefined
  readonly rollout: RolloutRecord | undefined
  readonly exits: SiteExitsRecord | undefined
  readonly guests: readonly Guest[]
}

export async function viewSite(daemon: Daemon, name: string): Promise<Site> {
  const { store } = daemon
  const record = await getSite(daemon, name)
  const [config, members, rollout, exits, guests] = await Promise.all([
    read<SiteConfigRecord>(store, keys.siteConfig(name)),
    read<MembersRecord>(store, keys.membersOf(name)),
    read<RolloutRecord>(store, keys.rollout(name)),
    read<SiteExitsRecord>(store, keys.exits(name)),
    listGuestViews(daemon),
  ])
  return composeSite({
    record,
    config: config?.value,
    members: members?.value,
    rollout: rollout?.value,
    exits: exits?.value,
    guests: guests.filter((guest) => siteOf(guest) === name),
  })
}

export async function listSiteViews(daemon: Daemon): Promise<Site[]> {
  const { store } = daemon
  const records = await readAll<SiteRecord>(store, keys.sites)
  if (records.length === 0) return []
  const [configs, members, rollouts, exits, guests] = await Promise.all([
    readBySite<SiteConfigRecord>(daemon, keys.siteConfig('')),
    readBySite<MembersRecord>(daemon, keys.members),
    readBySite<RolloutRecord>(daemon, keys.rollouts),
    readBySite<SiteExitsRecord>(daemon, keys.allExits),
    listGuestViews(daemon),
  ])
  const bySite = Map.groupBy(guests, siteOf)
  return records.map((record) => {
    const name = siteNameOf(record.value)
    return composeSite({
      record,
      config: configs.get(name),
      members: members.get(name),
      rollout: rollouts.get(name),
      exits: exits.get(name),
      guests: bySite.get(name) ?? [],
    })
  })
}

async function readBySite<T>({ store }: Daemon, prefix: string): Promise<Map<string, T>> {
  const records = await readAll<T>(store, prefix)
  return new Map(records.map(({ key, value }) => [key.slice(prefix.length), value]))
}

const siteOf = ({ spec: { part } }: Guest): string | undefined => (part?.kind === 'instance' ? part.site : undefined)

function composeSite({ record, config, members, rollout, exits, guests }: Known): Site {
  const { app, stage, created, release, run, moving, deleting = false } = record.value
  const deployed = rollout?.state === 'running' ? rollout.config : members?.serves?.config
  const wished = (path: string) => config?.values[path]?.value
  const count = Number(deployed?.instances.count ?? wished('instances.count') ?? 1)
  const size = deployed?.instances.size ?? wished('instances.size') ?? null
  const domains = deployed?.route.domains ?? wished('route.domains')
  const byNumber = new Map((members?.members ?? []).map((member) => [member.number, member]))
  const instances = guests
    .map((guest) => instanceOf(guest, byNumber.get(guest.number)))
    .sort((a, b) => ordinal(a.name) - ordinal(b.name))
  const there = (exits?.exits ?? []).filter(({ instance }) => instances.some(({ name }) => name === instance))
  const state = siteState({
    ...{ run, release, deleting, count, movesTo: moving?.to },
    instances: instances.map((each) => each.state),
    away: [...new Set(instances.flatMap(({ state, host }) => (state === 'away' ? [host] : [])))],
    rollout: rollout ?? null,
  })
  return {
    ...{ name: siteNameOf(record.value), app, stage, revision: record.revision, created, release, run },
    ...state,
    ...(moving ? { moving } : {}),
    ...{ count, size: size === null ? null : String(size) },
    domains: Array.isArray(domains) ? domains.map(String) : [],
    ...{ instances, rollout: rollout ? rolloutView(rollout) : null },
    ...(there.length === 0 ? {} : { exits: there }),
  }
}

/** Of `shop/prod/12`: 12. */
const ordinal = (name: string): number => Number(name.slice(name.lastIndexOf('/') + 1))

function instanceOf(guest: Guest, member: Member | undefined): Instance {
  const { name, number, host, ipv4, created, deleting = false, status, spec, away } = guest
  const { part } = spec
  const [site, release] = part?.kind === 'instance' ? [part.site, part.release] : ['', '']
  const seen = { ...{ name, number, release, host, ipv4, created, deleting, away }, guest: status?.state }
  const state = instanceState({ ...seen, reason: status?.reason, member: member?.state })
  return { ...{ name, site, number, release, host, ipv4, created }, ...state }
}

/** Without the configuration: `croft config show` tells it. */
function rolloutView({ schema: _, config: __, hash: ___, ...rest }: RolloutRecord): Rollout {
  const {
    id,
    site,
    from,
    to,
    by,
    created,
    finished,
    state,
    step,
    reason,
    lines,
    requests,
    next,
    old,
    new: fresh,
  } = rest
  return {
    ...{ id, site, from, to, by, created, state, step, old, new: fresh },
    ...(finished === undefined ? {} : { finished }),
    ...(reason === undefined ? {} : { reason }),
    ...(lines === undefined ? {} : { lines }),
    ...(requests === undefined ? {} : { requests }),
    ...(next === undefined ? {} : { next: { id: next.id, by: next.by, created: next.created, verb: next.verb } }),
  }
}
