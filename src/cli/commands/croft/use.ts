import { type Answer, type Column, done, rows } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { localFarm, readConfig } from '../../wire/farms.ts'
import { getLogin, listLogins, saveConfig } from '../../wire/logins.ts'

interface Choice {
  readonly name: string
  readonly current: boolean
  readonly address: string
  readonly role: string
  readonly expires: string | null
}

const columns: readonly Column<Choice>[] = [
  { title: 'FARM', get: (choice) => choice.name },
  { title: 'NOW', get: (choice) => (choice.current ? '*' : null) },
  { title: 'AT', elastic: true, get: (choice) => choice.address },
  { title: 'ROLE', get: (choice) => choice.role },
  { title: 'UNTIL', sparse: true, get: (choice) => choice.expires?.slice(0, 10) ?? null },
]

export async function run(context: Context): Promise<Answer> {
  const { io, args } = context
  const name = args.maybe('FARM')
  if (name === undefined) return list(context)
  const { farm: _, ...rest } = await readConfig(io)
  if (name !== localFarm) await getLogin(io.env, name)
  await saveConfig(io.env, name === localFarm ? rest : { ...rest, farm: name })
  const where = name === localFarm ? 'the farm of this machine' : name
  return done(name, `commands go to ${where}`, { record: { farm: name } })
}

async function list({ io, farm, socketPath }: Context): Promise<Answer> {
  const local: Choice = {
    name: localFarm,
    current: farm === undefined,
    address: socketPath,
    role: 'operator',
    expires: null,
  }
  const logins = (await listLogins(io.env)).map(
    ({ name, address, role, expires }): Choice => ({ name, current: name === farm, address, role, expires }),
  )
  return rows([local, ...logins], columns, { name: (choice) => choice.name })
}
