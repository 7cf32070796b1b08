/** A site is given another version, number or size: sent, waited for while somebody else deploys, and followed to its end. */
import { CroftError } from '../../api/errors.ts'
import { mostInstances } from '../../api/instances.ts'
import type { Site } from '../../api/site.ts'
import { type Answer, done } from '../answer.ts'
import { commandName } from '../command.ts'
import type { Context } from '../context.ts'
import { items, RemoteError } from '../wire/request.ts'
import { changeAnswer } from './change.ts'

const againMs = 1000

export async function deployAnswer(context: Context, site: string, body: object): Promise<Answer> {
  const change = { route: 'deploySite', params: { site }, body: queued(context, body), narrate: true } as const
  return inTurn(context, () =>
    changeAnswer(context, change, async ({ unchanged }) => {
      const now = await context.client.request('getSite', { params: { site } })
      return done(site, unchanged ? `${site} is that already: ${siteLine(now)}` : deployedLine(now), {
        record: now,
        hint: [`croft site show ${site}`, ...wayBack(now, body)].join(' · '),
      })
    }),
  )
}

/** What brings what was set to the instances; a plain deploy would build the folder one stands in. */
export async function applyWord({ client, forMachines }: Context, site: string): Promise<string> {
  // It is set all the same when this cannot be told.
  const now = forMachines ? undefined : await client.request('getSite', { params: { site } }).catch(() => undefined)
  return now?.release === null ? `croft deploy ${site}` : `croft config apply ${site}`
}

/** Behind the one that is under way, whether or not this command lives so long; with --no-wait it is refused. */
export const queued = ({ flags }: Context, body: object): object =>
  flags.has('no-wait') || flags.has('dry-run') ? body : { ...body, queue: true }

/** Of code to the version before; of what was set alone, to what was set before. */
function wayBack({ name, rollout }: Site, body: object): string[] {
  if (Object.keys(body).length === 0) return [`croft config history ${name}`, `croft config revert ${name} REVISION`]
  return rollout && rollout.from !== null && rollout.from !== rollout.to ? [`croft rollback ${name}`] : []
}

/** An app alone is its only site. */
export async function siteNamed({ client, row }: Context, word: string): Promise<string> {
  if (word.includes('/')) return word
  const names = items(await client.request('listSites')).flatMap(({ app, name }) => (app === word ? [name] : []))
  const [only, ...more] = names
  if (only !== undefined && more.length === 0) return only
  if (only === undefined) throw new CroftError('NOT_FOUND', `no site of an app "${word}"`, { hint: 'croft site ls' })
  throw new CroftError('USAGE', `which site of ${word}? There are ${names.join(', ')}`, {
    hint: `croft ${commandName(row)} ${only}`,
  })
}

/** `v1.2`, also where it is named as it is printed: `shop:v1.2`. */
export function versionOf(site: string, text: string | undefined): string | undefined {
  const [app = ''] = site.split('/')
  return text?.startsWith(`${app}:`) ? text.slice(app.length + 1) : text
}

/** Said before anything is built. */
export function checkCount(site: string, text: string): void {
  if (/^[1-9]\d{0,3}$/.test(text) && Number(text) <= mostInstances) return
  throw new CroftError('USAGE', `the number of instances must be 1 to ${mostInstances}`, {
    hint: `to stop it: croft site stop ${site}`,
  })
}

/** `shop/prod 2 of 2 healthy  shop:v1.2  https://shop.example.org`, or `shop/prod 1 of 2 healthy, host birch away  …` */
export function siteLine({ name, count, instances, release, domains }: Site): string {
  const healthy = instances.filter(({ state }) => state === 'ready').length
  const [first] = domains
  const at = first === undefined ? [] : [`https://${first}`]
  const away = [...new Set(instances.flatMap(({ state, host }) => (state === 'away' ? [`, host ${host} away`] : [])))]
  return [`${name} ${healthy} of ${count} healthy${away.join('')}`, release ?? 'nothing', ...at].join('  ')
}

/** With what visitors met meanwhile, where any came. */
export const deployedLine = (site: Site): string => {
  const { requests } = site.rollout ?? {}
  const met = requests ? [`${requests.failed} of ${requests.all} requests failed`] : []
  return [siteLine(site), ...met].join('  ')
}

/** One place is behind a deploy that is under way; who finds it taken waits here, and says for whom. With --no-wait it is refused. */
export async function inTurn<T>(context: Context, work: () => Promise<T>): Promise<T> {
  let said = ''
  for (;;) {
    try {
      return await work()
    } catch (thrown) {
      const isBusy = thrown instanceof RemoteError && thrown.code === 'BUSY'
      if (!isBusy || context.flags.has('no-wait') || context.flags.has('dry-run')) throw thrown
      const who = thrown.message.replace(/:[^:]*$/, '')
      if (said !== who) context.say(`▲ waits: ${thrown.message}`)
      said = who
      await context.io.sleep(againMs, new AbortController().signal)
    }
  }
}
