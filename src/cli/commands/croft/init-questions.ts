/** What `croft init` asks on a terminal: where guests' disks lie, and the farm's name. Only empty disks are offered. */
import { CroftError } from '../../../api/errors.ts'
import type { NewFarm } from '../../../api/resources.ts'
import type { Context } from '../../context.ts'
import { bytesText } from '../../screen/cells.ts'
import { oneLine } from '../../screen/escape.ts'

export interface Disk {
  readonly name: string
  readonly path: string
  readonly sizeBytes: number
}

const leastBytes = 4 * 1024 ** 3

interface Listed {
  readonly name?: string
  readonly path?: string
  readonly size?: number | string
  readonly type?: string
  readonly ro?: boolean | string
  readonly fstype?: string | null
  readonly pttype?: string | null
  readonly mountpoints?: readonly (string | null)[]
  readonly children?: readonly unknown[]
}

/** From `lsblk --json --bytes`: whole disks that hold nothing known. The daemon looks again, and closer, before it erases. */
export function emptyDisks(text: string): Disk[] {
  const { blockdevices = [] } = JSON.parse(text) as { blockdevices?: readonly Listed[] }
  return blockdevices.flatMap(({ name, path, size, type, ro, fstype, pttype, mountpoints = [], children = [] }) => {
    const used = fstype || pttype || children.length > 0 || mountpoints.some((point) => point !== null)
    const fits = type === 'disk' && Number(size) >= leastBytes && !/^(zram|ram|loop)/.test(name ?? '')
    if (used || !fits || ro === true || ro === '1' || !name || !path) return []
    return [{ name, path, sizeBytes: Number(size) }]
  })
}

/** Completes what the command line left open. A wrong word at the question that erases ends it, with nothing done. */
export async function askForFarm(context: Context, given: NewFarm): Promise<NewFarm> {
  const pool = given.pool ?? (await askForPool(context))
  const name = given.name ?? ((await ask(context, '  ? name of the farm  (farm) › ')) || undefined)
  return { ...given, ...(pool === undefined ? {} : { pool }), ...(name === undefined ? {} : { name }) }
}

async function askForPool(context: Context): Promise<NewFarm['pool']> {
  const disks = emptyDisks((await context.io.listDisks?.()) ?? '{}')
  if (disks.length === 0) {
    context.say('  ▲ no empty disk here: the pool is a file on / (to try, not to sell)')
    return undefined
  }
  const choices = [
    ...disks.map(({ path, sizeBytes }) => `${oneLine(path)} ${bytesText(sizeBytes)} empty`),
    'a file on / (to try, not to sell)',
  ]
  context.say('  ? pool')
  for (const [at, choice] of choices.entries()) context.say(`      ${at + 1}) ${choice}`)
  const answer = (await ask(context, `    (${choices.length}) › `)) || String(choices.length)
  if (!/^\d{1,3}$/.test(answer) || Number(answer) < 1 || Number(answer) > choices.length)
    throw new CroftError('NEEDS_CONFIRMATION', `"${answer.slice(0, 40)}" is none of these; nothing was done`)
  const disk = disks[Number(answer) - 1]
  if (!disk) return undefined
  const typed = await ask(context, `    type ${oneLine(disk.name)} to erase it › `)
  if (typed !== disk.name) throw new CroftError('NEEDS_CONFIRMATION', 'not confirmed; nothing was done')
  return { kind: 'device', path: disk.path, erase: disk.path }
}

/** A terminal that was closed answers nothing, and that is no yes. */
async function ask(context: Context, question: string): Promise<string> {
  const answer = await context.io.ask(question)
  if (answer === undefined) throw new CroftError('NEEDS_CONFIRMATION', 'no answer; nothing was done')
  return answer.trim()
}
