/** The configuration of a site from where its layers lie: the release, the store, and the host. */
import type { LayerName } from '../../api/app.ts'
import { CroftError } from '../../api/errors.ts'
import type { Where } from '../../plan/config/placed.ts'
import type { Layer, Resolved } from '../../plan/config/resolve.ts'
import type { HostParts } from '../host/parts.ts'
import { readSiteFile } from '../host/site-file.ts'
import type { ReleaseFacts, SiteConfigRecord } from './app-records.ts'
import type { HostSays } from './host-layers.ts'
import { keys } from './keys.ts'
import { read, type TemplateRecord } from './records.ts'

type Source = Pick<HostParts, 'store' | 'host' | 'sitesDir'>

/** What a build would make: its layers are known before it is there. */
export interface ToBe extends Pick<ReleaseFacts, 'platform' | 'config'> {
  readonly ref: string
  readonly where?: Where | undefined
}

/** Lowest first; `at`: whose word of a host counts, this one's unless it is said. `set`: instead of what is set now. Without a release there is nothing that croft.toml says; without a slot nothing of one instance. */
export async function layersOf(
  source: Source,
  site: string,
  release: string | ToBe | null,
  { slot, set, at }: Wanted = {},
): Promise<Layer[]> {
  const [{ layerOf }, made, record] = await Promise.all([
    import('../../plan/config/stored.ts'),
    typeof release === 'string' ? readMade(source, release) : release,
    read<SiteConfigRecord>(source.store, keys.siteConfig(site)),
  ])
  const [app = ''] = site.split('/')
  const host = at === undefined ? { name: source.host.name, file: await readSiteFile(source.sitesDir, app) } : at
  const values = set ?? record?.value.values ?? {}
  const layers = [
    ...(made ? await releaseLayers(made) : []),
    layerOf(values),
    host?.file && layer('host', host.file.path, host.file.config),
    host ? layerOf(values, { host: host.name }) : undefined,
    slot === undefined ? undefined : layerOf(values, { slot }),
  ]
  return layers.filter((each) => each !== undefined)
}

interface Wanted {
  readonly slot?: number | undefined
  readonly set?: SiteConfigRecord['values'] | undefined
  readonly at?: HostSays | null | undefined
}

/** All of them joined; an instance's own with its slot, else as the first one has it. */
export async function configOf(
  source: Source,
  site: string,
  release: string | null,
  { slot, at }: Pick<Wanted, 'slot' | 'at'> = {},
): Promise<Resolved> {
  const [{ resolveConfig }, layers] = await Promise.all([
    import('../../plan/config/resolve.ts'),
    layersOf(source, site, release, { slot, at }),
  ])
  return resolveConfig(layers, { site, slot: slot ?? 1, ...(release === null ? {} : { release }) })
}

async function readMade({ store }: Source, ref: string): Promise<ToBe> {
  const found = await read<TemplateRecord>(store, keys.template(ref))
  if (found?.value.release) return { ...found.value.release, ref }
  throw new CroftError('NOT_FOUND', `no release "${ref}"`, { hint: 'croft release ls' })
}

export async function releaseLayers({ platform, config, ref }: ToBe): Promise<Layer[]> {
  const { platforms } = await import('../../plan/platforms/table.ts')
  return [
    layer('platform', `platform ${platform}`, platforms[platform].defaults),
    layer('app', `croft.toml of ${ref}`, config),
  ]
}

const layer = (name: LayerName, from: string, config: Layer['config']): Layer => ({ name, from, config })
