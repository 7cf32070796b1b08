/** What would fail behind a build is told before it: all that croft.toml says is looked at together with what is there. */
import { totalmem } from 'node:os'
import type { AppConfig } from '../../api/app.ts'
import { CroftError } from '../../api/errors.ts'
import { assertBuildFits, withoutArtifacts } from '../../plan/build.ts'
import { placed, type Where } from '../../plan/config/placed.ts'
import { type Layer, type ResolvedBuild, resolveBuild, resolveConfig } from '../../plan/config/resolve.ts'
import { atPath } from '../../plan/config/wrong.ts'
import { type Daemon, getFarm } from '../daemon.ts'
import type { BuildRecord, ReleaseFacts } from '../records/app-records.ts'
import { releaseLayers, type ToBe } from '../records/site-config.ts'
import { getSize } from '../records/sizes.ts'
import { isBaseThere } from './build-base.ts'
import { callerOf } from './build-guest.ts'
import { assertBuildSecrets } from './build-secrets.ts'

export interface AppCode {
  readonly app: string
  readonly config: AppConfig
  readonly where?: Where
}

export interface Checked extends Pick<ReleaseFacts, 'platform'> {
  readonly build: ResolvedBuild['build']
  readonly baseIsThere: boolean
  /** Names that a site may still bring. */
  readonly warnings: readonly string[]
}

/** Of whatever site it will be. */
export async function checkBuild(daemon: Daemon, { app, config, where }: AppCode): Promise<Checked> {
  const platform = config.app?.platform ?? 'plain'
  const layers = await releaseLayers({ platform, config, ref: app })
  try {
    if (config.app?.name !== undefined && config.app.name !== app)
      throw atPath('app.name', otherApp(app, config.app.name))
    const { build } = resolveBuild(layers, app)
    withoutArtifacts(build.artifacts)
    const { freeBytes } = await getFarm(daemon).parts.pools.state('default')
    assertBuildFits(build, { memoryBytes: totalmem(), freeBytes })
    await assertBuildSecrets(daemon, app, build.secrets).catch((thrown) => {
      throw atPath('build.secrets', thrown)
    })
    const baseIsThere = await isBaseThere(daemon, app, build).catch((thrown) => {
      throw atPath('build.base', thrown)
    })
    return { build, platform, baseIsThere, warnings: await checkRun(daemon, app, { layers, where }) }
  } catch (thrown) {
    throw placed(thrown, layers, where)
  }
}

const otherApp = (app: string, name: string): CroftError =>
  new CroftError('BAD_VALUE', `its croft.toml is of the app "${name}", not of "${app}"`, {
    hint: `croft build ${name}`,
  })

/** Nobody knows yet for which site: what is not there may be set of it. */
async function checkRun(
  daemon: Daemon,
  app: string,
  { layers, where }: { readonly layers: readonly Layer[]; readonly where: Where | undefined },
): Promise<string[]> {
  const unknown: CroftError[] = []
  const about = { site: `${app}/stage`, slot: 1, onUnknown: (wrong: CroftError) => void unknown.push(wrong) }
  const { instances } = resolveConfig(layers, about).config
  if (instances.size !== null)
    await getSize(daemon, instances.size).catch((thrown) => {
      throw atPath('instances.size', thrown)
    })
  return unknown.map((wrong) => `${(placed(wrong, layers, where) as CroftError).message}; a site may set it`)
}

/** Of the one that it is built for. */
export async function checkSite(
  daemon: Daemon,
  { site, app, by }: BuildRecord,
  code: Omit<ToBe, 'ref'>,
): Promise<void> {
  if (site === undefined) return
  const { planRollout } = await import('../records/rollout-plan.ts')
  await planRollout(daemon, callerOf({ by }), { site, toBe: { ...code, ref: `${app}:new` }, verb: 'deploy' })
}
