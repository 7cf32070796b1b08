import { CroftError, toCroftError } from '../../../api/errors.ts'
import { type Answer, type Result, silent } from '../../answer.ts'
import { type Context, numberFlag } from '../../context.ts'
import { asApp } from '../../process/as-app.ts'
import { attachProgram } from '../../process/attach.ts'
import { lines } from '../../screen/escape.ts'
import { inParallel } from '../../work/bulk.ts'
import { findTargets } from '../../work/targets.ts'

export async function run(context: Context): Promise<Answer> {
  const command = context.command ?? []
  if (command.length === 0) {
    throw new CroftError('USAGE', 'croft exec: which command?', { hint: 'croft exec web -- COMMAND' })
  }
  const { names, many } = await findTargets(context)
  if (many) return execMany(context, names, command)
  // Loaded while the daemon answers.
  const [program, { runAttached }] = await Promise.all([
    attachProgram(context, names[0] ?? '', asApp(context, names[0] ?? '', command)),
    import('../../process/spawn.ts'),
  ])
  return silent(await runAttached(program))
}

interface Said {
  readonly exit: number
  readonly stdout: readonly string[]
  readonly stderr: readonly string[]
}

/** Each line bears the name of its guest, or, for machines, all of it comes at the end. */
async function execMany(context: Context, names: readonly string[], command: readonly string[]): Promise<Answer> {
  const room = Math.max(...names.map((name) => name.length), 0)
  const results = await inParallel(names, numberFlag(context, 'parallel') ?? 8, async (name): Promise<Result> => {
    try {
      const said = await execOne(context, name, { command, prefix: `${name.padEnd(room)} | ` })
      if (said.exit === 0) return { name, text: '', record: said }
      const message = `exit ${said.exit}`
      return { name, text: message, record: said, error: { code: 'COMMAND_FAILED', message } }
    } catch (thrown) {
      const error = toCroftError(thrown).toBody()
      return { name, text: error.message, error }
    }
  })
  const exit = results.some((result) => result.error) ? 6 : 0
  if (context.forMachines) return { kind: 'done', results, many: true, exit }
  return { kind: 'done', results: results.filter((result) => result.error), many: true, exit }
}

async function execOne(
  context: Context,
  name: string,
  how: { command: readonly string[]; prefix: string },
): Promise<Said> {
  const program = await attachProgram(context, name, asApp(context, name, how.command))
  const { runPiped } = await import('../../process/spawn.ts')
  const said = { stdout: [] as string[], stderr: [] as string[] }
  const exit = await runPiped(program, {
    onLine(line, from) {
      if (context.forMachines) said[from].push(line)
      else if (from === 'stdout') context.io.stdout.write(`${how.prefix}${lines(line)}\n`)
      else context.io.stderr.write(`${how.prefix}${lines(line)}\n`)
    },
  })
  return { exit, ...said }
}
