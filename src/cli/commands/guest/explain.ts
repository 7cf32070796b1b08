import type { Explanation } from '../../../api/placement.ts'
import type { Answer, Field } from '../../answer.ts'
import type { Context } from '../../context.ts'

export async function run(context: Context): Promise<Answer> {
  const guest = context.args.one('GUEST')
  const explained = await context.client.request('explainGuest', { params: { guest } })
  return { kind: 'record', record: explained, name: explained.guest, fields: fields(explained) }
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
