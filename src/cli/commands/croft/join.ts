import { CroftError } from '../../../api/errors.ts'
import type { NewJoin } from '../../../api/join.ts'
import { type Answer, done } from '../../answer.ts'
import { type Context, requireHere } from '../../context.ts'
import { foldedLine } from '../../screen/progress.ts'
import { changeAnswer } from '../../work/change.ts'
import { readPool } from './init.ts'
import { ensureDaemon } from './start-daemon.ts'

interface Joined {
  readonly farm: string
  readonly host: string
  readonly lines: readonly string[]
}

export async function run(context: Context): Promise<Answer> {
  requireHere(context, 'croft join')
  const { flags } = context
  const name = flags.text('name')
  const address = flags.text('address')
  const pool = readPool(context)
  const body: NewJoin = {
    ...{ token: await readToken(context), witness: flags.has('witness') },
    ...(name === undefined ? {} : { name }),
    ...(address === undefined ? {} : { address }),
    ...(pool === undefined ? {} : { pool }),
  }
  await ensureDaemon(context)
  return changeAnswer(context, { route: 'joinFarm', body }, ({ result }) => {
    const { farm, host, lines } = result as Joined
    for (const line of lines) context.io.stderr.write(`${foldedLine(line, context.style)}\n`)
    return done(host, `${host} is a host of farm ${farm}`, { record: result, hint: 'croft host ls · croft status' })
  })
}

async function readToken({ args, io }: Context): Promise<string> {
  const said = args.maybe('TOKEN') ?? '-'
  const text = said !== '-' ? said : io.stdinTty ? await io.askHidden('token: ') : await io.readStdin()
  const token = text?.trim() ?? ''
  if (/^cf1\.[\x21-\x7e]{1,480}$/.test(token)) return token
  throw new CroftError('USAGE', 'an invitation is wanted: it begins with cf1.', {
    hint: 'on a host of the farm: croft host invite',
  })
}
