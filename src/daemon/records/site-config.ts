/** The configuration of a site from where its layers lie: the release, the store, and the host. */
import type { LayerName } from '../../api/app.ts'
import { CroftError } from '../../api/errors.ts'
import type { Layer, Resolved } from '../../plan/config/resolve.ts'
import type { HostParts } from '../host/parts.ts'
import { readSiteFile } from '../host/site-file.ts'
import type { ReleaseFacts, SiteConfigRecord } from './app-records.ts'
import { keys } from './keys.ts'
import { read, type TemplateRecord } from './records.ts'

type Source = Pick<HostParts, 'store' | 'host' | 'sitesDir'>

/** Lowest first. Without a release there is nothing that croft.toml says; without a slot nothing of one instance. */
export async function layersOf(source: Source, site: string, release: string | null, slot?: number): Promise<Layer[]> {
  const [{ layerOf }, facts, record] = await Promise.all([
    import('../../plan/config/stored.ts'),
    release === null ? undefined : factsOf(source, release),
    read<SiteConfigRecord>(source.store, keys.siteConfig(site)),
  ])
  const [app = ''] = site.split('/')
  const file = await readSiteFile(source.sitesDir, app)
  const values = record?.value.values ?? {}
  const layers = [
    ...(facts && release !== null ? await releaseLayers(facts, release) : []),
    layerOf(values),
    file && layer('host', file.path, file.config),
    layerOf(values, { host: source.host.name }),
    slot === undefined ? undefined : layerOf(values, { slot }),
  ]
  return layers.filter((each) => each !== undefined)
}

/** All of them joined; an instance's own with its slot, else as the first one has it. */
export async function configOf(source: Source, site: string, release: string | null, slot?: number): Promise<Resolved> {
  const [{ resolveConfig }, layers] = await Promise.all([
    import('../../plan/config/resolve.ts'),
    layersOf(source, site, release, slot),
  ])
  return resolveConfig(layers, { site, slot: slot ?? 1, ...(release === null ? {} : { release }) })
}

async function factsOf({ store }: Source, ref: string): Promise<ReleaseFacts> {
  const found = await read<TemplateRecord>(store, keys.template(ref))
  if (found?.value.release) return found.value.release
  throw new CroftError('NOT_FOUND', `no release "${ref}"`, { hint: 'croft release ls' })
}

async function releaseLayers({ platform, config }: ReleaseFacts, release: string): Promise<Layer[]> {
  const { platforms } = await import('../../plan/platforms/table.ts')
  return [
    layer('platform', `platform ${platform}`, platforms[platform].defaults),
    layer('app', `croft.toml of ${release}`, config),
  ]
}

const layer = (name: LayerName, from: string, config: Layer['config']): Layer => ({ name, from, config })
