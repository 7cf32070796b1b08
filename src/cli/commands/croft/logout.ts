import { CroftError } from '../../../api/errors.ts'
import { type Answer, done } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { readConfig } from '../../wire/farms.ts'
import { getLogin, removeLogin, saveConfig } from '../../wire/logins.ts'

/** Forgets what is kept here. What the token opens is for the farm to end. */
export async function run(context: Context): Promise<Answer> {
  const { env } = context.io
  const config = await readConfig(context.io)
  const name = context.args.maybe('FARM') ?? context.farm
  if (name === undefined) throw new CroftError('USAGE', 'which farm?', { hint: 'croft use' })
  const login = await getLogin(env, name).catch((thrown) => {
    if (thrown instanceof CroftError && thrown.code === 'USAGE') return undefined
    throw thrown
  })
  await removeLogin(env, name)
  const { farm, ...rest } = config
  if (farm === name) await saveConfig(env, rest)
  const token = /^croft_([a-z0-9-]+)_/.exec(login?.token ?? '')?.[1]
  return done(name, `${name} forgotten here`, {
    record: { farm: name },
    ...(token === undefined ? {} : { hint: `on the farm: croft token rm ${token}` }),
  })
}
