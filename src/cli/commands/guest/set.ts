import type { Answer } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { readSettings } from '../../words/settings.ts'
import { bulk } from '../../work/bulk.ts'
import { changeResult, wrongUse } from '../../work/change.ts'
import { findTargets } from '../../work/targets.ts'

export async function run(context: Context): Promise<Answer> {
  if (context.settings.length === 0) throw wrongUse('croft set: what is to be set? (memory=1G label.owner=lark)')
  const body = readSettings(context.settings)
  const later = context.settings.some(([key]) => key === 'nesting')
  const what = context.settings.map(([key, value]) => `${key}=${value}`).join(' ')
  return bulk(context, await findTargets(context), (name, signal) =>
    changeResult(context, { route: 'changeGuest', params: { guest: name }, body, name, signal }, ({ result }) => ({
      name,
      text: `${name} ${what}${later ? `, from its next start on: croft restart ${name}` : ''}`,
      record: result,
    })),
  )
}
