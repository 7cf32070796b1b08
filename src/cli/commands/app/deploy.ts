import { CroftError } from '../../../api/errors.ts'
import type { PlannedStep } from '../../../api/resources.ts'
import type { Build, Site } from '../../../api/site.ts'
import type { Answer } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { buildBody, builtLine } from '../../files/build.ts'
import { appNameHere, type Code, codeOf, readAppName } from '../../files/source.ts'
import { items } from '../../wire/request.ts'
import { bulk } from '../../work/bulk.ts'
import { changeAnswer, changeResult, planAnswer, planned, wrongUse } from '../../work/change.ts'
import { checkCount, deployAnswer, deployedLine, inTurn, queued, versionOf } from '../../work/deploy.ts'

const usualStage = 'prod'

export async function run(context: Context): Promise<Answer> {
  const labels = context.flags.texts('label')
  if (labels.length > 0) return deployAll(context, labels)
  const site = await siteOf(context)
  const [app = ''] = site.split('/')
  await checkWished(context, site)
  const typed = versionOf(site, context.args.maybe('VERSION'))
  if (typed !== undefined || !(await isBuilt(context, app)))
    return deployAnswer(context, site, { version: typed ?? (await newest(context, app)), ...wished(context) })
  const code = await codeOf(context, app)
  const isPlan = context.flags.has('dry-run')
  if (isPlan || code.planned.toml !== undefined) {
    const steps = await plan(context, site, code)
    if (isPlan) return planAnswer(context, steps)
  }
  return deployAnswer(context, site, { version: await build(context, site, code), ...wished(context) })
}

/** What could not be deployed is not built. */
async function plan(context: Context, site: string, { planned: code }: Code): Promise<readonly PlannedStep[]> {
  const version = context.flags.text('as')
  const body = { ...wished(context), ...(version === undefined ? {} : { version }), planned: code }
  return planned(context, { route: 'deploySite', params: { site }, body })
}

/** `shop` is its only site, else its usual one. */
async function siteOf({ args, client }: Context): Promise<string> {
  const named = args.maybe('SITE')
  if (named === undefined) return `${await appNameHere()}/${usualStage}`
  if (/^[.~/]|\/$/.test(named))
    throw new CroftError('USAGE', `"${named}" is not a site like shop/prod; a folder is deployed from within`, {
      hint: `cd ${named} && croft deploy`,
    })
  if (named.includes('/')) return named
  const [first, ...more] = items(await client.request('listSites')).filter(({ app }) => app === named)
  return first && more.length === 0 ? first.name : `${named}/${usualStage}`
}

/** Before minutes of a build. */
async function checkWished({ flags, client }: Context, site: string): Promise<void> {
  const [instances, size] = [flags.text('instances'), flags.text('size')]
  if (instances !== undefined) checkCount(site, instances)
  if (size === undefined) return
  if (!items(await client.request('listSizes')).some(({ name }) => name === size))
    throw new CroftError('NOT_FOUND', `no size "${size}"`, { hint: 'croft size ls' })
}

/** What is said with a deploy. */
function wished({ flags }: Context): object {
  const [instances, size] = [flags.text('instances'), flags.text('size')]
  const [waves, hold] = [flags.text('waves'), flags.text('hold')]
  const domains = flags.texts('domain').flatMap((text) => text.split(','))
  return {
    ...(instances === undefined ? {} : { instances }),
    ...(size === undefined ? {} : { size }),
    ...(waves === undefined ? {} : { waves }),
    ...(hold === undefined ? {} : { hold }),
    ...(domains.length === 0 ? {} : { domains }),
  }
}

/** From the folder one stands in, when it is that app's, or from where it was said. */
async function isBuilt({ flags, args }: Context, app: string): Promise<boolean> {
  if (flags.text('git') !== undefined || flags.text('tar') !== undefined) return true
  return args.maybe('SITE') === undefined || (await readAppName()) === app
}

/** The version that it became. */
async function build(context: Context, site: string, code: Code): Promise<string> {
  const { app } = code
  const body = await buildBody(context, code, site)
  let made: Build | undefined
  await changeAnswer(
    context,
    { route: 'addBuild', params: { app }, body, narrate: true, attended: true },
    async ({ result, operation }) => {
      const { id } = result as Build
      made = operation ? await context.client.request('getBuild', { params: { build: id } }) : (result as Build)
      return { kind: 'done', results: [] }
    },
  )
  if (made?.release == null)
    throw new CroftError('FAILED', `the build of ${app} made no release`, { hint: 'croft build ls' })
  const { release } = made
  context.say(`✓ ${await builtLine(context, made)}`)
  return release.slice(release.indexOf(':') + 1)
}

async function newest(context: Context, app: string): Promise<string> {
  const all = items(await context.client.request('listReleases'))
  const ready = all.filter((release) => release.app === app && release.state === 'ready')
  const [last] = ready.toSorted((a, b) => (a.created < b.created ? 1 : -1))
  if (last) return last.version
  throw new CroftError('NOT_FOUND', `${app} has no release yet`, { hint: `croft build ${app} · croft release ls` })
}

/** `-l stage=prod`: each of them, to its app’s newest version or the one that is named. */
async function deployAll(context: Context, labels: readonly string[]): Promise<Answer> {
  if (context.args.maybe('VERSION') !== undefined) throw wrongUse('croft deploy -l: one word at most, the version')
  const typed = context.args.maybe('SITE')
  const sites = items(await context.client.request('listSites')).filter((site) =>
    labels.every((label) => bears(site, label)),
  )
  if (sites.length === 0)
    throw new CroftError('NOT_FOUND', `no site bears ${labels.join(' ')}`, { hint: 'croft site ls' })
  const names = sites.map(({ name }) => name)
  return bulk(context, { names, many: true }, async (name, signal) => {
    const version = typed ?? (await newest(context, name.split('/')[0] ?? ''))
    const change = {
      route: 'deploySite',
      params: { site: name },
      body: queued(context, { version, ...wished(context) }),
      name,
      signal,
    } as const
    return inTurn(context, () =>
      changeResult(context, change, async () => {
        const site = await context.client.request('getSite', { params: { site: name } })
        return { name, text: deployedLine(site), record: site }
      }),
    )
  })
}

/** A site has two labels by itself. */
function bears({ app, stage }: Site, label: string): boolean {
  const [key, value] = label.split('=')
  return (key === 'app' && value === app) || (key === 'stage' && value === stage)
}
