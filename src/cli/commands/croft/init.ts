import type { Farm, NewFarm } from '../../../api/resources.ts'
import { type Answer, done } from '../../answer.ts'
import { changeAnswer, wrongUse } from '../../change.ts'
import { type Context, readInput, requireHere } from '../../context.ts'
import { foldedLine } from '../../progress.ts'
import { ensureDaemon } from './start-daemon.ts'

interface Started {
  readonly farm?: Farm
  readonly lines?: readonly string[]
}

export async function run(context: Context): Promise<Answer> {
  requireHere(context, 'croft init')
  const body = await readFarm(context)
  await ensureDaemon(context)
  return changeAnswer(context, { route: 'initFarm', body, narrate: true }, ({ result }) => {
    const { farm, lines = [] } = (result ?? {}) as Started
    for (const line of lines) context.io.stderr.write(`${foldedLine(line, context.style)}\n`)
    const name = farm?.name ?? body.name ?? 'farm'
    const where = farm?.prefix4 === undefined ? '' : ` · guests ${farm.prefix4}`
    return done(name, `farm ${name}${where}`, {
      record: farm ?? null,
      hint: 'next: croft template build debian:12 · croft create web debian:12',
    })
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

function readPool(context: Context): NewFarm['pool'] {
  const { flags } = context
  const kind = flags.text('pool')
  const path = flags.text('pool-path')
  const size = flags.text('pool-size')
  const erase = flags.text('erase')
  if (kind === undefined && path === undefined && size === undefined && erase === undefined) return undefined
  const chosen = kind ?? (erase === undefined ? 'file' : 'device')
  if (chosen !== 'file' && chosen !== 'directory' && chosen !== 'device') {
    throw wrongUse(context, `--pool is file, directory or device, not "${chosen}"`)
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
