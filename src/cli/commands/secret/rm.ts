import type { Answer } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { confirmName } from '../../screen/confirm.ts'
import { bulk } from '../../work/bulk.ts'
import { changeResult } from '../../work/change.ts'
import { applyWord } from '../../work/deploy.ts'

export async function run(context: Context): Promise<Answer> {
  const site = context.args.one('SITE')
  const names = [...new Set(context.args.many('SECRET'))]
  const typed = names.length === 1 ? (names[0] ?? '') : `${names.length} secrets`
  await confirmName(context, typed, `nobody can say again what ${names.join(' ')} of ${site} is`)
  // All of them change one record.
  const answer = await bulk(context, { names, many: names.length > 1, atOnce: 1 }, (name, signal) =>
    changeResult(context, { route: 'removeSecret', params: { site, secret: name }, name, signal }, () => ({
      name,
      text: `${name} removed, from the next deploy on`,
      record: null,
    })),
  )
  if (answer.kind !== 'done' || answer.exit || context.flags.has('dry-run')) return answer
  return { ...answer, hint: await applyWord(context, site) }
}
