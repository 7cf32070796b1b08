/** The places of a site's instances: what each is made from, with all that must be so before one is made. */
import { createHash } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import type { AppConfig, ResolvedConfig } from '../../api/app.ts'
import { CroftError } from '../../api/errors.ts'
import { placed } from '../../plan/config/placed.ts'
import { type Layer, resolveConfig } from '../../plan/config/resolve.ts'
import { setValue } from '../../plan/config/set.ts'
import { takeBack } from '../../plan/config/stored.ts'
import { atPath } from '../../plan/config/wrong.ts'
import { madeFrom, type SlotWish } from '../../plan/deploy.ts'
import type { Compare } from '../../store/store.ts'
import { type Daemon, getFarm } from '../daemon.ts'
import { timestamp } from '../env.ts'
import type { Caller } from '../http/access.ts'
import type { RolloutRecord, SiteConfigRecord, SiteSecretRecord } from './app-records.ts'
import { type HostSays, hostsSaying } from './host-layers.ts'
import { keys } from './keys.ts'
import { readAll, schemaVersion } from './records.ts'
import { assertData, assertSecrets } from './resolved-checks.ts'
import { layersOf, type ToBe } from './site-config.ts'
import { getSize } from './sizes.ts'

/** What instances are made from: a release, or what will be one. */
export interface Made {
  readonly ref: string
  readonly id: string
  readonly from: string | ToBe
  readonly compare: readonly Compare[]
}

interface Wished {
  readonly instances?: number | undefined
  readonly size?: string | undefined
  readonly domains?: readonly string[] | undefined
}

export interface Said {
  readonly record: SiteConfigRecord | undefined
  readonly config: AppConfig
  /** Below that. */
  readonly set: SiteConfigRecord['values']
}

/** What is said with a deploy is said of the site, and stays; `then`: what was set when it ran is put back before. */
export function saidWith(
  { env }: Daemon,
  caller: Caller,
  record: SiteConfigRecord | undefined,
  { instances, size, domains }: Wished,
  then?: SiteConfigRecord['values'],
): Said {
  const said = Object.entries({ 'instances.count': instances, 'instances.size': size, 'route.domains': domains })
  const values = said.filter(([, value]) => value !== undefined)
  const [by, at] = [caller.name, timestamp(env)]
  const now = record?.values ?? {}
  const set = then ? takeBack(now, then, { by, at }) : now
  if (values.length === 0) return { record: then ? { schema: schemaVersion, values: set } : record, config: {}, set }
  const next = Object.fromEntries(values.map(([path, value]) => [path, { value, by, at }]))
  return {
    record: { schema: schemaVersion, values: { ...set, ...next } },
    set,
    config: values.reduce<AppConfig>((config, [path, value]) => setValue(config, path, value), {}),
  }
}

interface Wanted {
  readonly site: string
  readonly template: Made
  readonly said: Said
  readonly anew: string
  readonly isFresh: boolean
}

export async function slotsOf(
  daemon: Daemon,
  wanted: Wanted,
): Promise<{ readonly slots: readonly SlotWish[]; readonly first: ResolvedConfig }> {
  const { from } = wanted.template
  const { parts } = getFarm(daemon)
  const over: Layer = { name: 'stage', from: 'croft deploy', config: wanted.said.config }
  let layers: readonly Layer[] = []
  const [app = ''] = wanted.site.split('/')
  const hosts = await hostsSaying(daemon, app)
  const base = hosts ? null : undefined
  const layersFor: LayersFor = async (slot, at = base) => {
    layers = [...(await layersOf(parts, wanted.site, from, { slot, set: wanted.said.set, at })), over]
    return layers
  }
  try {
    return await settled(daemon, wanted, { layersFor, hosts: hosts ?? [] })
  } catch (thrown) {
    throw placed(thrown, layers, typeof from === 'string' ? undefined : from.where)
  }
}

type LayersFor = (slot: number, at?: HostSays | null) => Promise<readonly Layer[]>

async function settled(
  daemon: Daemon,
  { site, template: { ref, id }, anew, isFresh }: Wanted,
  { layersFor, hosts }: { readonly layersFor: LayersFor; readonly hosts: readonly HostSays[] },
) {
  const resolve = async (slot: number, at?: HostSays) =>
    resolveConfig(await layersFor(slot, at), { site, slot, release: ref }).config
  const first = await resolve(1)
  const known = await readAll<SiteSecretRecord>(daemon.store, keys.siteSecrets(site))
  const [names, secrets] = [known.map(({ value }) => value.name), known.map(({ value }) => value.sealed)]
  const { totalBytes } = await getFarm(daemon).parts.pools.state('default')
  const slots: SlotWish[] = []
  const usual = JSON.stringify(first)
  let letters = 0
  for (let slot = 1; slot <= first.instances.count; slot++) {
    const own = slot === 1 ? first : await resolve(slot)
    const text = JSON.stringify(own)
    const config = text === usual ? first : own
    letters += config === first ? 0 : text.length
    if (letters > mostLetters)
      throw new CroftError('BAD_VALUE', `the configurations of ${site}'s instances are more than 4 MiB together`, {
        hint: `fewer values with \${slot}, or fewer instances`,
      })
    const check = async (made: ResolvedConfig) => {
      assertSecrets(made, { site, names, isFresh })
      assertData(made, totalBytes)
      await assertSize(daemon, made)
    }
    await check(config)
    const hashed = (made: ResolvedConfig) => hashOf({ id, secrets, anew, made: madeFrom(made) })
    const byHost: Record<string, { hash: string; config: ResolvedConfig }> = {}
    for (const host of hosts) {
      const there = await resolve(slot, host)
      const said = JSON.stringify(there)
      if (said === text) continue
      letters += said.length
      await check(there)
      byHost[host.name] = { hash: hashed(there), config: there }
    }
    const hash = hashed(config)
    slots.push({ slot, config, hash, ...(Object.keys(byHost).length > 0 ? { hosts: byHost } : {}) })
    // Others are answered meanwhile.
    await setImmediate()
  }
  return { slots, first }
}

async function assertSize(daemon: Daemon, { instances: { size } }: ResolvedConfig): Promise<void> {
  if (size === null) return
  await getSize(daemon, size).catch((thrown) => {
    throw atPath('instances.size', thrown)
  })
}

export const hashOf = (value: object): string =>
  createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 32)

/** Their configuration where it is another one than the first's. */
export const briefly = (slots: readonly SlotWish[], first: ResolvedConfig): RolloutRecord['slots'] =>
  slots.map(({ slot, hash, config, hosts }) => ({
    ...{ slot, hash },
    ...(config === first ? {} : { config }),
    ...(hosts ? { hosts } : {}),
  }))
/** Of all configurations that a rollout's record holds beside the first. */
const mostLetters = 4 * 1024 ** 2
