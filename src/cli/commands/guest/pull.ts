import { resolve } from 'node:path'
import { CroftError } from '../../../api/errors.ts'
import { type Answer, silent } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { type GuestFiles, guestPath, openFiles } from '../../files/guest-files.ts'
import { createMeter } from '../../files/meter.ts'
import { transferred, untilInterrupted } from '../../files/outcome.ts'
import { pullFrom } from '../../files/pull.ts'
import { runAttached, runPiped } from '../../process/spawn.ts'
import { lines } from '../../screen/escape.ts'
import { wrongUse } from '../../work/change.ts'

export async function run(context: Context): Promise<Answer> {
  const word = context.args.one('GUEST:/PATH')
  const source = guestPath(word)
  if (!source) throw wrongUse(`"${word}" is no file of a guest, like web:/etc/hosts`)
  const to = context.args.maybe('DEST') ?? '.'
  const maxBytes = maxFlag(context)
  const files = await openFiles(context, source.guest)
  if (to === '-') return silent(await print(context, files, source.path))
  using meter = createMeter(context, `pull ${word}`)
  const pulled = await untilInterrupted(context, (signal) =>
    pullFrom(files, {
      ...{ path: source.path, to: resolve(to), maxBytes, signal },
      onBytes: (count) => meter.add(count),
    }),
  )
  const unread = (pulled.said ?? '')
    .trimEnd()
    .split('\n')
    .filter((line) => line !== '')
  const leftOut = [...pulled.leftOut, ...unread.map((why) => ({ path: source.path, why }))]
  return transferred(context, { from: word, to: pulled.to, bytes: meter.bytes, leftOut })
}

/** On a terminal it is shown, not obeyed; into a pipe it goes as it is. */
async function print(context: Context, files: GuestFiles, path: string): Promise<number> {
  const { found } = await files.follow(path)
  if (!found) throw new CroftError('NOT_FOUND', `${files.guest} has no ${path}`)
  if (found.kind === 'folder') {
    throw new CroftError('USAGE', `${files.guest}:${path} is a folder; - takes a file`, {
      hint: `croft exec ${files.guest} -- tar -c ${path}`,
    })
  }
  const program = files.program(['cat', path])
  const { io } = context
  if (!io.stdout.tty) return runAttached(program)
  return runPiped(program, { onLine: (line, from) => io[from].write(`${lines(line)}\n`) })
}

function maxFlag(context: Context): number | undefined {
  const text = context.flags.text('max')
  if (text === undefined) return undefined
  const [, number, unit = ''] = /^(\d{1,12}(?:\.\d{1,3})?)([KMGT]?)(?:i?B)?$/i.exec(text) ?? []
  if (number === undefined) throw wrongUse(`--max takes a size like 512M, not "${text}"`)
  return Math.floor(Number(number) * 1024 ** ' KMGT'.indexOf(unit.toUpperCase() || ' '))
}
