/** What a build, and a deploy of it, would do. Nothing is fetched, made or written. */
import type { z } from 'zod'
import type { PlannedBuild } from '../../api/build.ts'
import type { PlannedStep } from '../../api/resources.ts'
import type { Daemon } from '../daemon.ts'
import type { Caller } from '../http/access.ts'
import { assertNameFree, readApp } from '../records/apps.ts'
import { planRollout } from '../records/rollout-plan.ts'
import type { Asked } from '../records/rollouts.ts'
import { listVolumes } from '../records/volumes.ts'
import { type AppCode, type Checked, checkBuild } from './build-check.ts'

type Planned = z.output<typeof PlannedBuild>
export interface Plan {
  readonly steps: readonly PlannedStep[]
  readonly warnings?: readonly string[]
}

export async function planBuild(
  daemon: Daemon,
  { app, planned }: { readonly app: string; readonly planned?: Planned | undefined },
): Promise<Plan> {
  const code = await codeOf(app, planned)
  const checked = code && (await checkBuild(daemon, code))
  const steps = await stepsOf(daemon, app, { about: planned?.about, checked })
  return { steps, ...(checked && checked.warnings.length > 0 ? { warnings: checked.warnings } : {}) }
}

/** Where its croft.toml is not known before it is fetched, the build is all that is. */
export async function planDeploy(
  daemon: Daemon,
  caller: Caller,
  { planned, site, ...said }: Omit<Asked, 'verb' | 'toBe' | 'fresh'> & { readonly planned: Planned },
): Promise<Plan> {
  const [app = ''] = site.split('/')
  const code = await codeOf(app, planned)
  if (!code)
    return {
      steps: [
        ...(await stepsOf(daemon, app, { about: planned.about })),
        { what: site, step: 'deploy', detail: 'as its croft.toml says, which is read then' },
      ],
    }
  const checked = await checkBuild(daemon, code)
  const toBe = { ...code, platform: checked.platform, ref: `${app}:${said.version ?? 'new'}` }
  const rollout = await planRollout(daemon, caller, { ...said, site, toBe, verb: 'deploy' })
  return { steps: [...(await stepsOf(daemon, app, { about: planned.about, checked })), ...rollout] }
}

async function codeOf(app: string, planned: Planned | undefined): Promise<AppCode | undefined> {
  if (planned?.toml === undefined) return undefined
  const { readAppFile } = await import('../../plan/config/parse.ts')
  return { app, ...readAppFile(planned.toml) }
}

async function stepsOf(
  daemon: Daemon,
  app: string,
  { about, checked }: { readonly about?: string | undefined; readonly checked?: Checked | undefined },
): Promise<PlannedStep[]> {
  if (!(await readApp(daemon, app))) await assertNameFree(daemon, app)
  const hasCache = (await listVolumes(daemon, `${app}/build`)).length > 0
  const step = (name: string, detail: string): PlannedStep => ({ what: app, step: name, detail })
  return [
    ...(about === undefined ? [] : [step('source', about)]),
    ...(checked ? [step('base', baseLine(checked))] : []),
    step('build', `in a throw-away guest, ${hasCache ? 'with the cache of builds before' : 'without a cache yet'}`),
    step('publish', 'as a release, unless one is of the same files'),
  ]
}

function baseLine({ platform, baseIsThere, build: { base, packages } }: Checked): string {
  const on = `${platform} on ${base}${packages.length > 0 ? ` with ${packages.join(', ')}` : ''}`
  return `${on}: ${baseIsThere ? 'is there' : 'is made first'}`
}
