/** How sites change: a handler writes the rollout, the loop of rollouts walks it. */
import type { z } from 'zod'
import type { Deploy } from '../../../api/deploy.ts'
import { CroftError, isCode, toCroftError } from '../../../api/errors.ts'
import { type Daemon, getFarm } from '../../daemon.ts'
import { accepted, type Change, commit } from '../../records/change.ts'
import { viewSite } from '../../records/site-views.ts'
import { createSite, getSite, getSiteToChange, readSite } from '../../records/sites.ts'
import type { Handlers } from '../handler.ts'
import { assertPlan } from './builds.ts'
import { pendingOf } from './config.ts'

type DeployBody = z.output<typeof Deploy>

export const handlers = {
  async deploySite(daemon, { params: { site }, body, query, caller }) {
    const { back: isBack, codeOnly, planned, queue, ...said } = body
    if (planned) {
      assertPlan(query)
      const { planDeploy } = await import('../../farm/build-plan.ts')
      return { operation: null, result: null, ...(await planDeploy(daemon, caller, { ...said, site, planned })) }
    }
    const { decideRollout } = await import('../../records/rollouts.ts')
    const version = isBack ? (body.version ?? (await previousOf(daemon, site))) : body.version
    const back = isBack ? (codeOnly ? ('code' as const) : ('all' as const)) : undefined
    const asked = { ...said, site, version, back, verb: verbOf(body) }
    const ids = { id: daemon.env.id(), anew: daemon.env.id() }
    const known = await readSite(daemon, site)
    // One that is there no release is named for; any other is made.
    if (!known && version === undefined) await getSiteToChange(daemon, site)
    if (query.dryRun || !known) {
      const { planRollout } = await import('../../records/rollout-plan.ts')
      const steps = await planRollout(daemon, caller, asked)
      if (query.dryRun) return { operation: null, result: null, steps }
      await createSite(daemon, caller, site, query)
    }
    const alongside = known?.value.release ? await goAlong(daemon, site, { release: known.value.release, body }) : []
    let isSame = false
    let warnings = alongside
    let waits: unknown
    const decide = async (): Promise<Change> => {
      try {
        const { change, rollout, warnings: told } = await decideRollout(daemon, caller, asked, ids)
        isSame = rollout === undefined
        warnings = [...alongside, ...told]
        waits = undefined
        return change
      } catch (thrown) {
        if (!queue || !isCode(thrown, 'BUSY')) throw thrown
        const { decideQueued } = await import('../../records/queued.ts')
        waits = thrown
        return (await decideQueued(daemon, caller, asked, ids)) ?? decide()
      }
    }
    const operation = await commit(daemon, caller, query, decide)
    if (waits) daemon.operations.note({ kind: 'rollout', id: ids.id }, `▲ waits: ${toCroftError(waits).message}`)
    getFarm(daemon).rollouts.nudge(site)
    const answer = await accepted(daemon, query, operation, () => viewSite(daemon, site))
    return {
      ...answer,
      ...(isSame ? { unchanged: true as const } : {}),
      ...(warnings.length === 0 ? {} : { warnings }),
    }
  },

  async actSite(daemon, { params: { site }, body, query, caller }) {
    const run = body.do === 'start' ? 'running' : 'stopped'
    const now = await getSiteToChange(daemon, site)
    if (query.dryRun)
      return {
        ...{ operation: null, result: null },
        steps: now.value.run === run ? [] : [{ what: site, step: body.do, detail: `all its instances` }],
      }
    const { decideRun } = await import('../../records/rollouts.ts')
    const operation = await commit(daemon, caller, query, () => decideRun(daemon, { site, run, verb: body.do }))
    getFarm(daemon).rollouts.nudge(site)
    return accepted(daemon, query, operation, () => viewSite(daemon, site))
  },
} satisfies Partial<Handlers>

function verbOf({ back, anew, version, instances, size }: DeployBody): string {
  if (back) return 'rollback'
  if (anew) return 'restart'
  return version === undefined && (instances ?? size) !== undefined ? 'scale' : 'deploy'
}

const mostNamed = 5

/** Who scales or restarts thinks of nothing else: what was set meanwhile is named. */
async function goAlong(
  daemon: Daemon,
  site: string,
  { release, body }: { readonly release: string; readonly body: DeployBody },
): Promise<string[]> {
  if (!['scale', 'restart'].includes(verbOf(body))) return []
  const said = { 'instances.count': body.instances, 'instances.size': body.size }
  const paths = (await pendingOf(daemon, site, release))
    .map(({ path }) => path)
    .filter((path) => said[path as keyof typeof said] === undefined)
  if (paths.length === 0) return []
  const named = [...paths.slice(0, mostNamed), ...(paths.length > mostNamed ? ['…'] : [])].join(', ')
  return [`what was set since the last deploy goes along: ${named}; croft config history ${site}`]
}

async function previousOf(daemon: Daemon, site: string): Promise<string> {
  const { previous } = (await getSite(daemon, site)).value
  const [ref] = previous
  if (ref !== undefined) return ref.slice(ref.indexOf(':') + 1)
  throw new CroftError('REFUSED', `site "${site}" ran no other release before`, {
    hint: `what was set alone goes back by croft config history ${site} · croft config revert ${site} REVISION`,
  })
}
