/** Parse → load the one command → run → print once → exit code. */
import { CroftError, errorTable, toCroftError } from '../api/errors.ts'
import { nearest } from '../api/nearest.ts'
import type { Answer } from './answer.ts'
import type { Context } from './context.ts'
import type { Io } from './io.ts'
import { oneLine } from './screen/escape.ts'
import { errorText, type Format, formats, jsonText, type RenderOptions, render } from './screen/render.ts'
import { signs, styleOf } from './screen/style.ts'
import { commands } from './table.ts'
import { type Config, chosenFarm, readConfig, socketOf } from './wire/farms.ts'
import type { Line } from './wire/line.ts'
import { createClient } from './wire/request.ts'
import type { Flags } from './words/flags.ts'
import { type Parsed, parse } from './words/parse.ts'

type Run = Extract<Parsed, { kind: 'run' }>

/** The exit code. What was to be said has been said. */
export async function runCli(argv: readonly string[], io: Io): Promise<number> {
  try {
    const parsed = parse(commands, argv)
    if (parsed.kind === 'run') return await runCommand(parsed, io)
    if (parsed.kind === 'help') return await runHelp(parsed.words, io)
    const { runExternal } = await import('./process/external.ts')
    runExternal(parsed, io.env)
    throw parsed.error
  } catch (thrown) {
    return sayError(thrown, io, wantsJson(argv))
  }
}

async function runHelp(words: readonly string[], io: Io): Promise<number> {
  const [{ helpText }, { listExternals }] = await Promise.all([
    import('./words/help.ts'),
    import('./process/external.ts'),
  ])
  const text = helpText(commands, words, listExternals(commands, io.env.PATH))
  io.stdout.write(signs(styleOf(io.env, io.stdout), text))
  return 0
}

async function runCommand(parsed: Run, io: Io): Promise<number> {
  const { flags, row } = parsed
  let output: RenderOptions | undefined
  try {
    const config = await readConfig(io)
    output = renderOptions(flags, io, config)
    const context = createContext(parsed, io, {
      format: output.format,
      farm: chosenFarm(flags.text('farm'), io.env, config),
    })
    for (const note of parsed.notes) context.say(note)
    const command = await row.run()
    const watching = flags.has('watch') || (row.verb === 'top' && io.stdout.tty && output.format === 'table')
    if (row.watch && watching) {
      const { watch } = await import('./work/watch.ts')
      return await watch(context, { look: () => command.run(context), options: () => renderOptions(flags, io, config) })
    }
    return print(await command.run(context), output, io)
  } catch (thrown) {
    const code = sayError(await withForm(thrown, row), io, output?.format === 'json' || output?.format === 'jsonl')
    return row.command || row.verb === 'shell' ? 125 : code
  }
}

function print(answer: Answer, options: RenderOptions, io: Io): number {
  const { out, err } = render(answer, options)
  io.stdout.write(out)
  io.stderr.write(err)
  return answer.exit ?? 0
}

function renderOptions(flags: Flags, io: Io, config: Config): RenderOptions {
  return {
    format: chooseFormat(flags, io.env.CROFT_OUTPUT || config.output),
    fields: flags.list('json'),
    columns: flags.list('columns'),
    sort: flags.text('sort'),
    style: styleOf(io.env, io.stdout),
    now: io.now(),
  }
}

function chooseFormat(flags: Flags, usual: string | undefined): Format {
  if (flags.has('quiet')) return 'name'
  const asked = flags.text('output') ?? (flags.has('json') ? 'json' : usual || 'table')
  const format = formats.find((each) => each === asked)
  if (format) return format
  const meant = nearest(asked, formats)
  throw new CroftError('USAGE', `there is no output format "${asked}"`, {
    hint: meant ? `-o ${meant}` : `-o ${formats.join('|')}`,
  })
}

function createContext(parsed: Run, io: Io, how: { format: Format; farm: string | undefined }): Context {
  const { format, farm } = how
  const style = styleOf(io.env, io.stderr)
  const socketPath = io.env.CROFT_SOCKET || socketOf(process.getuid?.())
  const say = (line: string) => io.stderr.write(`${signs(style, oneLine(line))}\n`)
  const requests = parsed.flags.count('verbose') > 1 ? { onRequest: say } : {}
  return {
    row: parsed.row,
    noun: parsed.noun,
    args: parsed.args,
    settings: parsed.settings,
    flags: parsed.flags,
    command: parsed.command,
    client: createClient({
      socketPath,
      ...requests,
      ...(farm === undefined ? {} : { line: () => openLine(io.env, farm) }),
    }),
    io,
    style,
    socketPath,
    farm,
    memory: new Map(),
    forMachines: format !== 'table' && format !== 'wide',
    say,
  }
}

/** TLS is loaded by who speaks to a farm from afar. */
async function openLine(env: Io['env'], farm: string): Promise<Line> {
  const { findRemote, lineTo } = await import('./wire/remote.ts')
  return lineTo(await findRemote(env, farm))
}

/** A word that was refused without a hint: the form that it should have. */
async function withForm(thrown: unknown, row: Run['row']): Promise<CroftError> {
  const error = toCroftError(thrown)
  if (error.hint !== undefined || errorTable[error.code].exit !== 2 || error.toBody().op !== undefined) return error
  const { formOf } = await import('./words/form.ts')
  return new CroftError(error.code, error.message.replace(/^query\.(\w+): /, '--$1 '), {
    hint: formOf(row, error),
    cause: error,
  })
}

/** On stderr; stdout stays empty. As JSON when JSON was asked for. */
function sayError(thrown: unknown, io: Io, asJson: boolean): number {
  const error = toCroftError(thrown)
  const style = styleOf(io.env, io.stderr)
  if (asJson) io.stderr.write(`${jsonText(error.toBody())}\n`)
  else io.stderr.write(errorText(shownError(error), style))
  return errorTable[error.code].exit
}

/** A refusal is one line, whatever words it repeats; only what was tried and failed has a reason of several. */
function shownError(error: CroftError): { readonly message: string; readonly hint: string | undefined } {
  const refused = errorTable[error.code].status < 500
  if (!refused) return error
  return { message: oneLine(error.message), hint: error.hint === undefined ? undefined : oneLine(error.hint) }
}

/** Before the words are understood: was JSON asked for? */
function wantsJson(argv: readonly string[]): boolean {
  const own = argv.includes('--') ? argv.slice(0, argv.indexOf('--')) : argv
  return own.some(
    (word, index) =>
      /^--json(=|$)/.test(word) ||
      /^(-o|--output=)jsonl?$/.test(word) ||
      (/^(-o|--output)$/.test(word) && /^jsonl?$/.test(own[index + 1] ?? '')),
  )
}
