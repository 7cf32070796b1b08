import { CroftError } from '../../../api/errors.ts'
import type { Template, TemplateBuild } from '../../../api/resources.ts'
import { type Answer, done } from '../../answer.ts'
import { type Context, readInput } from '../../context.ts'
import { bytesText } from '../../screen/cells.ts'
import { changeAnswer } from '../../work/change.ts'
import { findRecipe, type Recipe } from './recipes.ts'

export async function run(context: Context): Promise<Answer> {
  const { args, flags, io } = context
  const ref = args.one('TEMPLATE')
  if (!ref.includes(':'))
    throw new CroftError('USAGE', `"${ref}" names no version`, {
      hint: `croft template build ${ref}:v1 --from debian:12, or croft template build debian:12`,
    })
  const words = new Map(context.settings)
  const recipe = await recipeOf(context)
  const from = flags.text('from') ?? words.get('from') ?? recipe?.from
  const mirror = flags.text('mirror') ?? words.get('mirror')
  const file = flags.text('script') ?? words.get('script')
  const script = file === undefined ? recipe?.script : await readInput(context, file)
  const packages = [
    ...(recipe?.packages ?? []),
    ...flags.list('packages'),
    ...(words.get('packages') ?? '').split(','),
  ].filter((name) => name !== '')
  const body: TemplateBuild = {
    ref,
    ...(from === undefined ? {} : { from }),
    ...(mirror === undefined ? {} : { mirror }),
    ...(packages.length === 0 ? {} : { packages }),
    ...(script === undefined ? {} : { script }),
  }
  return changeAnswer(context, { route: 'buildTemplate', body }, async () => {
    const template = await context.client.request('getTemplate', { params: { template: ref } })
    const seconds = Math.round(io.elapsedMs() / 1000)
    return done(ref, `template ${ref}  ${sizeText(template)}${seconds} s`, {
      record: template,
      hint: `croft create web ${ref}${recipe?.port === undefined ? '' : ` -p 8080:${recipe.port}`}`,
    })
  })
}

async function recipeOf(context: Context): Promise<Recipe | undefined> {
  const { flags } = context
  const name = flags.text('recipe')
  if (name === undefined) return undefined
  if (flags.has('script'))
    throw new CroftError('USAGE', 'a recipe is a script: --script beside --recipe says nothing', {
      hint: 'croft template build web:v1 --recipe ./my-recipe.sh',
    })
  return findRecipe(context, name)
}

const sizeText = ({ sizeBytes }: Template): string => (sizeBytes === null ? '' : `${bytesText(sizeBytes)}  `)
