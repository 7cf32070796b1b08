import { CroftError } from '../../../api/errors.ts'
import type { Answer } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { confirmName } from '../../screen/confirm.ts'
import { bulk } from '../../work/bulk.ts'
import { changeResult } from '../../work/change.ts'
import { volumesNamed } from './named.ts'

export async function run(context: Context): Promise<Answer> {
  const names = [...new Set(context.args.many('VOLUME'))]
  // What is not there, and what is in use, is said before anybody is asked.
  const found = (await Promise.all(names.map((name) => volumesNamed(context, name)))).flat()
  const [used] = found.filter(({ state }) => state === 'used')
  if (used)
    throw new CroftError('IN_USE', `${used.guests[0] ?? used.site} has ${used.name}`, {
      hint: `croft volume show ${used.name}`,
    })
  const typed = names.length === 1 ? (names[0] ?? '') : `${names.length} volumes`
  await confirmName(context, typed, `this removes ${names.join(' ')}, and what is in there cannot be had again`)
  return bulk(context, { names, many: names.length > 1 }, async (name, signal) => {
    const mine = found.filter((each) => each.name === name)
    for (const { host, id } of mine.slice(1))
      await changeResult(context, { route: 'removeVolume', params: { host, volume: id }, name, signal }, () => ({
        name,
        text: '',
        record: null,
      }))
    const [{ host, id } = { host: '', id: '' }] = mine
    return changeResult(context, { route: 'removeVolume', params: { host, volume: id }, name, signal }, () => ({
      name,
      text: `${name} removed`,
      record: null,
    }))
  })
}
