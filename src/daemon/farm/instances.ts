/** The making of an instance: a guest with its seed, and a member of its site, in one transaction. */

import type { ResolvedConfig } from '../../api/app.ts'
import { CroftError } from '../../api/errors.ts'
import type { GuestSpec } from '../../api/guest.ts'
import type { Placed } from '../../api/placement.ts'
import { daemonsOf } from '../../plan/deploy.ts'
import { applyChange } from '../../plan/guest-change.ts'
import { onceJobs } from '../../plan/units/cron.ts'
import { instanceFiles } from '../../plan/units.ts'
import { type Daemon, getFarm } from '../daemon.ts'
import { timestamp } from '../env.ts'
import type { Caller } from '../http/access.ts'
import type { Member } from '../records/app-records.ts'
import { keys } from '../records/keys.ts'
import type { Part } from '../records/moves.ts'
import { commitNewGuest, emptySpec, type GuestPlan, newGuestChange } from '../records/new-guest.ts'
import { openSecrets } from '../records/sites.ts'
import { getSize } from '../records/sizes.ts'
import { getReadyTemplate, initOf } from '../records/templates.ts'
import { onlyOn } from '../records/volume-places.ts'
import { type VolumeWish, volumeId, wishVolume } from '../records/volumes.ts'
import { emptyMembers } from './members.ts'
import type { RolloutNow } from './rollout-acts.ts'

/** Returns its name. Decided on what was read: whoever changed that meanwhile makes it fail, and it is looked at anew. */
export async function createInstance(daemon: Daemon, now: RolloutNow, slot: number): Promise<string> {
  const { name: site, rollout, members } = now
  const { to, by, slots, config: first } = rollout.value
  const { parts, loop } = getFarm(daemon)
  const prefer = rollout.value.order?.find((each) => each.slot === slot)?.host ?? undefined
  const place = slots.find((each) => each.slot === slot)
  if (!place) throw new CroftError('INTERNAL', `${site} has no place ${slot}`)
  const usual = { config: place.config ?? first, hash: place.hash }
  const record = members?.value ?? emptyMembers(now.site?.value.id ?? '')
  const name = `${site}/${record.next}`
  const template = await getReadyTemplate(daemon, to)
  const init = await initOf(daemon, template.value.id)
  const secrets = await openSecrets(parts, site)
  const about = { site, slot, name, release: to, farm: parts.farm.name, secrets }
  const bareOf = async (config: ResolvedConfig): Promise<Omit<GuestSpec, 'root'>> => ({
    ...(await sized(daemon, config.instances.size)),
    template: to,
    ...(init === undefined ? {} : { init }),
    part: { kind: 'instance', site, slot, release: to },
  })
  const ids = { id: daemon.env.uuid(), root: daemon.env.uuid() }
  const caller: Caller = { name: by, role: 'operator' }
  const make = async (host: string, placed?: Placed): Promise<void> => {
    const made = place.hosts?.[host] ?? usual
    const { config } = made
    const wishes = wishesOf(now, config, host)
    const volumes = wishes.map((wish) => ({ id: volumeId(wish), target: wish.target }))
    const plan: GuestPlan = {
      ...{ name, verb: 'create', seed: instanceFiles({ ...about, config }), host },
      spec: { ...(await bareOf(config)), ...(volumes.length > 0 ? { volumes } : {}) },
      ...(placed === undefined ? {} : { placed }),
      from: { kind: 'template', id: template.value.id, ref: to },
      compare: [{ key: template.key, revision: template.revision }],
    }
    const number = await commitInstance(plan, made, wishes)
    if (host === parts.host.name) loop.nudge(number)
  }
  const commitInstance = async (
    plan: GuestPlan,
    { config, hash }: typeof usual,
    wishes: readonly InstanceVolume[],
  ): Promise<number> => {
    const jobs = onceJobs(config, slot)
    let number = 0
    await commitNewGuest(daemon, caller, { reason: `rollout ${rollout.value.id}` }, async () => {
      const { change: made, record: guest } = await newGuestChange(daemon, plan, ids)
      const { goal: _, ...change } = made
      number = guest.number
      const member: Member = {
        ...{ number, id: ids.id, name, slot, release: to, hash, state: 'starting' },
        ...{ since: timestamp(daemon.env), daemons: daemonsOf(config) },
        ...(jobs.length > 0 ? { jobs } : {}),
      }
      const data = await dataOf(daemon, plan.host, wishes)
      const next = { ...record, members: [...record.members, member], next: record.next + 1 }
      return {
        ...change,
        compare: [
          ...change.compare,
          ...data.compare,
          { key: keys.membersOf(site), revision: members?.revision ?? 0 },
          { key: rollout.key, revision: rollout.revision },
        ],
        writes: [
          ...change.writes,
          ...data.writes,
          { put: keys.membersOf(site), value: next },
          { put: rollout.key, value: { ...rollout.value, new: [...rollout.value.new, name] } },
        ],
      }
    })
    return number
  }
  if (isAlone(daemon)) await make(parts.host.name)
  else {
    const { placeInstance } = await import('../placing/instance.ts')
    const { config } = usual
    const asked = { site, spec: await bareOf(config), template: template.value.id, leaving: rollout.value.old }
    await placeInstance(daemon, { ...asked, prefer, hasData: Object.keys(config.data).length > 0 }, make)
  }
  return name
}

const isAlone = (daemon: Daemon): boolean => (getFarm(daemon).others?.hosts().length ?? 1) < 2

type InstanceVolume = VolumeWish & { readonly target: string }

/** What lasts is the site's: each instance on its host has it at its place. */
function wishesOf({ site }: RolloutNow, { data }: ResolvedConfig, host: string): readonly InstanceVolume[] {
  if (!site) return []
  return Object.entries(data).map(([name, { path, sizeBytes }]) => ({
    ...{ site: site.value, name, sizeBytes, host },
    target: path,
  }))
}

/** Written with the instance, or not at all. That no other host gets one meanwhile is what the comparison of its members says. */
async function dataOf(daemon: Daemon, host = '', wishes: readonly InstanceVolume[]): Promise<Part> {
  const parts = await Promise.all([
    onlyOn(daemon.store, host, wishes.map(volumeId)),
    ...wishes.map((wish) => wishVolume(daemon, wish)),
  ])
  return { compare: parts.flatMap(({ compare }) => compare), writes: parts.flatMap(({ writes }) => writes) }
}

async function sized(daemon: Daemon, name: string | null): Promise<Omit<GuestSpec, 'root'>> {
  if (name === null) return emptySpec
  return applyChange(emptySpec, { size: name }, (await getSize(daemon, name)).value)
}
