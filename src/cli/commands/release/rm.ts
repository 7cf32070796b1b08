import { CroftError } from '../../../api/errors.ts'
import type { Answer } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { confirmName } from '../../screen/confirm.ts'
import { items } from '../../wire/request.ts'
import { globMatches } from '../../words/point.ts'
import { bulk } from '../../work/bulk.ts'
import { changeResult } from '../../work/change.ts'
import { withStdin } from '../../work/targets.ts'

export async function run(context: Context): Promise<Answer> {
  const names = await named(context)
  const typed = names.length === 1 ? (names[0] ?? '') : `${names.length} releases`
  if (names.length > 0) await confirmName(context, typed, `this removes ${names.join(' ')}`)
  return bulk(context, { names, many: names.length > 1 }, (name, signal) =>
    changeResult(context, { route: 'removeRelease', params: { release: name }, name, signal }, ({ result }) => ({
      name,
      text: `${name} removed`,
      record: result,
    })),
  )
}

/** A glob stands for all releases that are like it. */
async function named(context: Context): Promise<readonly string[]> {
  const words = await withStdin(context, context.args.many('RELEASE'))
  if (!words.some(isGlob)) return [...new Set(words)]
  const all = items(await context.client.request('listReleases')).map(({ ref }) => ref)
  const found = words.flatMap((word) => {
    const like = isGlob(word) ? all.filter((ref) => globMatches(word, ref)) : [word]
    if (like.length > 0) return like
    throw new CroftError('NOT_FOUND', `no release is like "${word}"`, { hint: 'croft release ls' })
  })
  return [...new Set(found)]
}

const isGlob = (word: string): boolean => /[*?]/.test(word)
