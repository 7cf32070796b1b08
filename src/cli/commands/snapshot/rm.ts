import type { Answer } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { confirmName } from '../../screen/confirm.ts'
import { parseSnapshot } from '../../words/point.ts'
import { bulk } from '../../work/bulk.ts'
import { changeResult } from '../../work/change.ts'
import { withStdin } from '../../work/targets.ts'
import { mustExist } from './exists.ts'

export async function run(context: Context): Promise<Answer> {
  const names = [...new Set(await withStdin(context, context.args.many('SNAPSHOT')))]
  const snapshots = new Map(names.map((name) => [name, parseSnapshot(name)]))
  const typed = names.length === 1 ? (names[0] ?? '') : `${names.length} snapshots`
  if (names.length === 1) await mustExist(context, [...snapshots.values()])
  if (names.length > 0) await confirmName(context, typed, `this removes ${names.join(' ')}`)
  return bulk(context, { names, many: names.length > 1 }, (name, signal) => {
    const { guest = '', snapshot = '' } = snapshots.get(name) ?? {}
    return changeResult(
      context,
      { route: 'removeSnapshot', params: { guest, snapshot }, name, signal },
      ({ result }) => ({ name, text: `${name} removed`, record: result }),
    )
  })
}
