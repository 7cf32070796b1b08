import type { ConfigLine } from '../../../api/site.ts'
import { type Answer, type Column, rows } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { scopeOf, valueText } from './values.ts'

const plain: readonly Column<ConfigLine>[] = [
  { title: 'SETTING', get: (line) => line.path },
  { title: 'VALUE', elastic: true, get: (line) => valueText(line.value) },
]
const explained: readonly Column<ConfigLine>[] = [
  { title: 'LAYER', get: (line) => line.origin?.layer },
  { title: 'FROM', get: (line) => line.origin?.from ?? 'croft itself' },
  { title: 'BY', get: (line) => line.origin?.by },
  { title: 'AGE', as: 'age', get: (line) => line.origin?.at },
  { title: 'INSTEAD OF', sparse: true, get: (line) => line.overridden?.map(belowText).join(', ') },
]
const belowText = ({ value, origin }: { value: unknown; origin: { layer: string } }): string =>
  `${valueText(value)} (${origin.layer})`

export async function run(context: Context): Promise<Answer> {
  const site = context.args.one('SITE')
  const { flags, client } = context
  const query = { ...scopeOf(context), all: flags.has('all') || undefined }
  const { values, problem } = await client.request('getConfig', { params: { site }, query })
  if (problem !== undefined) context.say(`▲ it cannot be deployed like this: ${problem}`)
  return rows(values, flags.has('explain') ? [...plain, ...explained] : plain, {
    name: (line) => line.path,
    empty: `nothing is set: croft config set ${site} env.NAME=VALUE`,
  })
}
