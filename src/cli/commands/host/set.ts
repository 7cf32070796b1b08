import type { Host } from '../../../api/host.ts'
import { type Answer, done } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { changeAnswer, wrongUse } from '../../work/change.ts'
import { hostLine } from './line.ts'

const fields: Readonly<Record<string, string>> = { 'disk-overcommit': 'diskOvercommit', 'send-rate': 'sendRate' }

export async function run(context: Context): Promise<Answer> {
  const host = context.args.one('HOST')
  if (context.settings.length === 0) throw wrongUse(`croft host set: what of ${host} is to be set? (overcommit=1.5)`)
  const body = Object.fromEntries(context.settings.map(([key, value]) => [fields[key] ?? key, value]))
  return changeAnswer(context, { route: 'changeHost', params: { host }, body }, ({ result }) => {
    const changed = result as Host
    return done(host, hostLine(changed), { record: changed })
  })
}
