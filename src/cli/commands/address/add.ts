import type { Answer } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { items } from '../../wire/request.ts'
import { bulk } from '../../work/bulk.ts'
import { changeResult } from '../../work/change.ts'
import { guestName } from '../../work/targets.ts'

export async function run(context: Context): Promise<Answer> {
  const guest = guestName(context.args.one('GUEST'))
  const names = [...new Set(context.args.many('ADDRESS'))]
  const announce = context.flags.has('announce')
  const answer = await bulk(context, { names, many: names.length > 1, atOnce: 1 }, (address, signal) =>
    changeResult(
      context,
      { route: 'addAddress', params: { guest }, body: { address, announce }, name: address, signal },
      ({ result }) => ({ name: address, text: `${guest} has ${address}`, record: result }),
    ),
  )
  if (answer.kind !== 'done' || answer.exit) return answer
  const hint = await nothingComesIn(context, guest).catch(() => undefined) // it has the address all the same
  return hint === undefined ? answer : { ...answer, hint }
}

/** The address alone opens nothing, and people who give one expect it to answer. */
async function nothingComesIn(context: Context, guest: string): Promise<string | undefined> {
  const rules = items(await context.client.request('listRules', { params: { guest } }))
  if (rules.some(({ action, direction }) => action === 'allow' && direction === 'in')) return undefined
  return `nothing comes in yet: croft allow ${guest} from any tcp/443`
}
