import type { Farm, NewFarm } from '../../../api/resources.ts'
import { type Answer, done } from '../../answer.ts'
import { type Context, readInput, requireHere } from '../../context.ts'
import { canAsk } from '../../screen/confirm.ts'
import { foldedLine } from '../../screen/progress.ts'
import { changeAnswer, wrongUse } from '../../work/change.ts'
import { askForFarm } from './init-questions.ts'
import { ensureDaemon } from './start-daemon.ts'

interface Started {
  readonly farm?: Farm
  readonly lines?: readonly string[]
}

const template = 'debian:12'

export async function run(context: Context): Promise<Answer> {
  requireHere(context, 'croft init')
  const given = await readFarm(context)
  await ensureDaemon(context)
  const asks =
    canAsk(context) && !context.flags.has('yes') && !context.flags.has('dry-run') && !(await hasFarm(context))
  const body = asks ? await askForFarm(context, given) : given
  const started = await startFarm(context, body)
  if (!asks || started.kind !== 'done') return started
  for (const { text } of started.results) context.io.stderr.write(`${foldedLine(text, context.style)}\n`)
  return buildTemplate(context)
}

const hasFarm = async ({ client }: Context): Promise<boolean> => (await client.request('getStatus')).farm !== null

function startFarm(context: Context, body: NewFarm): Promise<Answer> {
  return changeAnswer(context, { route: 'initFarm', body, narrate: true }, ({ result }) => {
    const { farm, lines = [] } = (result ?? {}) as Started
    for (const line of lines) context.io.stderr.write(`${foldedLine(line, context.style)}\n`)
    const name = farm?.name ?? body.name ?? 'farm'
    const where = farm?.prefix4 === undefined ? '' : ` · guests ${farm.prefix4}`
    return done(name, `farm ${name}${where}`, {
      record: farm ?? null,
      hint: `next: croft template build ${template} · croft create web ${template}`,
    })
  })
}

/** Whoever sits before it wants a guest next, and that needs one. */
function buildTemplate(context: Context): Promise<Answer> {
  return changeAnswer(context, { route: 'buildTemplate', body: { ref: template } }, () => {
    const seconds = Math.round(context.io.elapsedMs() / 1000)
    return done(template, `template ${template}  ${seconds} s`, { hint: `next: croft create web ${template}` })
  })
}

async function readFarm(context: Context): Promise<NewFarm> {
  const { args, flags } = context
  const name = args.maybe('NAME')
  const prefix4 = flags.text('prefix4')
  const keys = flags.text('keys')
  const listen = flags.text('listen')
  const pool = readPool(context)
  return {
    ...(name === undefined ? {} : { name }),
    ...(prefix4 === undefined ? {} : { prefix4 }),
    ...(listen === undefined ? {} : { listen }),
    ...(pool === undefined ? {} : { pool }),
    ...(keys === undefined ? {} : { keys: keyLines(await readInput(context, keys)) }),
  }
}

export function readPool(context: Context): NewFarm['pool'] {
  const { flags } = context
  const kind = flags.text('pool')
  const path = flags.text('pool-path')
  const size = flags.text('pool-size')
  const named = flags.text('erase')
  // `nvme1n1` and `/dev/nvme1n1` are one disk.
  const erase = named !== undefined && path === `/dev/${named}` ? path : named
  if (kind === undefined && path === undefined && size === undefined && erase === undefined) return undefined
  const chosen = kind ?? (erase === undefined ? 'file' : 'device')
  if (chosen !== 'file' && chosen !== 'directory' && chosen !== 'device') {
    throw wrongUse(`--pool is file, directory or device, not "${chosen}"`)
  }
  return {
    kind: chosen,
    ...(path === undefined ? {} : { path }),
    ...(size === undefined ? {} : { size }),
    ...(erase === undefined ? {} : { erase }),
  }
}

export function keyLines(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
}
