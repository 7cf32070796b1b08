import { CroftError, isCode } from '../../../api/errors.ts'
import type { Explanation } from '../../../api/placement.ts'
import type { Answer, Field } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { items } from '../../wire/request.ts'
import { isRoute, parsePoint } from '../../words/point.ts'

export async function run(context: Context): Promise<Answer> {
  const guest = context.args.one('GUEST')
  if (isRoute(guest)) throw notExplained(guest, `croft route show ${guest} · croft check ${guest}`)
  const { kind } = parsePoint(guest)
  if (kind !== 'guest' && kind !== 'instance') throw notExplained(guest, whereElse[kind] ?? 'croft ls')
  const explained = await context.client
    .request('explainGuest', { params: { guest } })
    .catch((thrown) => otherwiseNamed(context, guest, thrown))
  if (!context.forMachines) context.say(nextWords(explained))
  return { kind: 'record', record: explained, name: explained.guest, fields: fields(explained) }
}

/** What else tells of things that are not placed. */
const whereElse: Readonly<Record<string, string>> = {
  template: 'croft template ls',
  snapshot: 'croft snapshot ls',
  glob: 'croft ls',
}

const notExplained = (word: string, hint: string): CroftError =>
  new CroftError('USAGE', `"${word}" has no place to explain; guests, sites and their instances have`, { hint })

/** A host or a network bears that name. */
async function otherwiseNamed({ client }: Context, word: string, thrown: unknown): Promise<never> {
  if (!isCode(thrown, 'GUEST_NOT_FOUND')) throw thrown
  const [hosts, networks] = await Promise.all([client.request('listHosts'), client.request('listNetworks')])
  if (items(hosts).some(({ name }) => name === word))
    throw notExplained(word, `croft host show ${word} · croft ls --sort host`)
  if (items(networks).some(({ name }) => name === word))
    throw notExplained(word, `croft network show ${word} · croft network check`)
  throw thrown
}

function nextWords({ guest, host, now: { candidates } }: Explanation): string {
  const best = candidates[0]?.host
  const isInstance = guest.includes('/')
  if (best === undefined || best === host || isInstance) return `  croft host show ${host} · croft farm balance`
  return `  croft move ${guest} ${best} --dry-run · croft farm balance`
}

function fields({ guest, host, placed, now, data = [] }: Explanation): Field[] {
  const then = placed
    ? [
        { title: 'put there', value: placed.at, as: 'age' } as const,
        { title: 'because', value: totalText(placed.host, placed.points) },
        ...placed.reasons.map(reasonField),
        ...lines('not', placed.others.map(otherText)),
      ]
    : [{ title: 'put there', value: 'there was no choice, or it came by another way' }]
  return [
    { title: 'guest', value: guest },
    { title: 'host', value: host },
    ...lines('its data is there', data),
    ...then,
    ...now.candidates.flatMap((each, at): Field[] => [
      { title: at === 0 ? 'now' : '', value: totalText(each.host, each.points) },
      ...each.reasons.map(reasonField),
    ]),
    ...lines(now.candidates.length === 0 ? 'now' : '', now.refused.map(otherText)),
  ]
}

const lines = (title: string, texts: readonly string[]): Field[] =>
  texts.map((value, at) => ({ title: at === 0 ? title : '', value }))

const totalText = (host: string, points: number): string => `${host}: ${points.toFixed(1)} points`

const reasonField = ({ points, why }: { readonly points: number; readonly why: string }): Field => ({
  title: '',
  value: `${points.toFixed(1).padStart(8)}  ${why}`,
})

const otherText = (
  other: Explanation['now']['refused'][number] | NonNullable<Explanation['placed']>['others'][number],
): string => `${other.host}: ${other.why ?? ('points' in other ? `${other.points?.toFixed(1)} points` : '')}`
